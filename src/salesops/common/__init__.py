"""The ground floor: pure calculation shared by every room. No I/O, no clock, no database, no Django."""
