"""Names of people, companies and places, as lists to draw from."""

from __future__ import annotations

from typing import Final


def _list(text: str) -> list[str]:
    return text.split()


FIRST: Final = _list(
    """
    Anna Ben Carla David Elena Felix Grace Henry Ines Jonas Karen Liam Maria Nadia Oscar Paula Quentin Rosa
    Samuel Tara Ulrich Vera Walter Xenia Yusuf Zoe Adam Beatrice Colin Diana Emil Fiona Gustav Hannah Isaac
    Julia Kevin Laura Marco Nora Olga Peter Rachel Simon Teresa Ursula Victor Wendy Amir Chiara Dmitri Esther
    Farah Giulia Hugo Ivan Jasmin Kofi Leila Mehmet Noah Priya Ravi Sofia Tom Wei
    """
)
LAST: Final = _list(
    """
    Abbott Becker Clarke Dubois Evans Fischer Garcia Hoffmann Ivanova Jensen Keller Lopez Martin Novak Olsen
    Park Quinn Rossi Schmidt Taylor Unger Vogel Weber Young Zimmer Andersson Bianchi Carter Diaz Eriksen Foster
    Greco Hughes Ito Johnson Kowalski Lefebvre Morgan Nguyen Owens Petrov Ramirez Sato Thompson Ueda Vega Wagner
    Xu Yilmaz Ziegler Adeyemi Brandt Cohen Das Engel Flores Grant Haas Iyer Jacobs Khan Lange Meyer Nielsen
    Ortiz Patel Reyes Silva Turner Wolf
    """
)
HEAD: Final = _list(
    """
    Alder Amber Apex Arden Aster Atlas Aurora Beacon Birch Blue Bright Brook Cedar Cobalt Copper Coral Crest
    Crown Delta Dune Eagle Echo Elm Ember Falcon Fern Flint Forge Frost Glen Granite Green Grove Harbor Haven
    Hawk Hazel Helix Heron High Indigo Iron Ivy Jade Juniper Kestrel Lake Lark Laurel Linden Lumen Lunar Maple
    Marble Meadow Mill Mint Moss Nova North Oak Ocean Olive Onyx Opal Orchid Osprey Palm Pearl Pine Polar Prime
    Quartz Raven Red Ridge River Robin Rose Rowan
    """
)
TAIL: Final = _list(
    """
    bank bay bell berg bridge brook burn by cliff cote crest dale dell den edge fall field fold ford gate glade
    grove ham hart haven heath hill holm hurst land leigh light line ling lock marsh mead mere mill mont moor
    mouth nes park path point pool port reach ridge rise rock shaw shire shore side spring stead stone ton vale
    view wall ward water way well wick wood worth yard
    """
)
TRADE: Final = _list(
    """
    Pharma Biotech Foods Chemicals Institute Energy Motors Services Retail Media Labs Systems Group Partners
    Industries Holdings Sciences Materials Diagnostics Logistics Works Dynamics Health Instruments Solutions
    Research Trading Technologies Products Ventures
    """
)
FORM: Final = (("Inc.", "LLC", "Corp."), ("GmbH", "AG", "SE"), ("Ltd", "plc", "LLP"))
"""Legal forms by unit."""

CITIES: Final = (
    # region, city, state, country, head of the postal code, its free digits, latitude, longitude (10^-6)
    (0, "New York", "NY", "US", "100", 2, 40_750_600, -73_997_200),
    (0, "Boston", "MA", "US", "021", 2, 42_360_100, -71_058_900),
    (0, "Philadelphia", "PA", "US", "191", 2, 39_952_600, -75_165_200),
    (0, "Atlanta", "GA", "US", "303", 2, 33_749_000, -84_388_000),
    (0, "Washington", "DC", "US", "200", 2, 38_907_200, -77_036_900),
    (0, "Raleigh", "NC", "US", "276", 2, 35_779_600, -78_638_200),
    (0, "Miami", "FL", "US", "331", 2, 25_761_700, -80_191_800),
    (1, "Chicago", "IL", "US", "606", 2, 41_878_100, -87_629_800),
    (1, "Dallas", "TX", "US", "752", 2, 32_776_700, -96_797_000),
    (1, "Houston", "TX", "US", "770", 2, 29_760_400, -95_369_800),
    (1, "Minneapolis", "MN", "US", "554", 2, 44_977_800, -93_265_000),
    (1, "St. Louis", "MO", "US", "631", 2, 38_627_000, -90_199_400),
    (1, "Columbus", "OH", "US", "432", 2, 39_961_200, -82_998_800),
    (2, "San Francisco", "CA", "US", "941", 2, 37_774_900, -122_419_400),
    (2, "Los Angeles", "CA", "US", "900", 2, 34_052_200, -118_243_700),
    (2, "San Diego", "CA", "US", "921", 2, 32_715_700, -117_161_100),
    (2, "Seattle", "WA", "US", "981", 2, 47_606_200, -122_332_100),
    (2, "Denver", "CO", "US", "802", 2, 39_739_200, -104_990_300),
    (2, "Phoenix", "AZ", "US", "850", 2, 33_448_400, -112_074_000),
    (3, "Berlin", "Berlin", "DE", "101", 2, 52_520_000, 13_405_000),
    (3, "Munich", "Bavaria", "DE", "803", 2, 48_137_400, 11_575_500),
    (3, "Hamburg", "Hamburg", "DE", "200", 2, 53_551_100, 9_993_700),
    (3, "Frankfurt", "Hesse", "DE", "603", 2, 50_110_900, 8_682_100),
    (3, "Vienna", "Vienna", "AT", "10", 2, 48_208_200, 16_373_800),
    (3, "Zurich", "Zurich", "CH", "80", 2, 47_376_900, 8_541_700),
    (4, "Paris", "Ile-de-France", "FR", "750", 2, 48_856_600, 2_352_200),
    (4, "Lyon", "Auvergne-Rhone-Alpes", "FR", "690", 2, 45_764_000, 4_835_700),
    (4, "Brussels", "Brussels", "BE", "10", 2, 50_850_300, 4_351_700),
    (4, "Amsterdam", "North Holland", "NL", "10", 2, 52_367_600, 4_904_100),
    (4, "Eindhoven", "North Brabant", "NL", "56", 2, 51_441_600, 5_469_700),
    (5, "Milan", "Lombardy", "IT", "201", 2, 45_464_200, 9_190_000),
    (5, "Rome", "Lazio", "IT", "001", 2, 41_902_800, 12_496_400),
    (5, "Madrid", "Madrid", "ES", "280", 2, 40_416_800, -3_703_800),
    (5, "Barcelona", "Catalonia", "ES", "080", 2, 41_385_100, 2_173_400),
    (5, "Lisbon", "Lisbon", "PT", "10", 2, 38_722_300, -9_139_300),
    (6, "London", "England", "GB", "EC1A ", 1, 51_507_400, -127_800),
    (6, "Manchester", "England", "GB", "M1 ", 1, 53_480_800, -2_242_600),
    (6, "Edinburgh", "Scotland", "GB", "EH1 ", 1, 55_953_300, -3_188_300),
    (6, "Cambridge", "England", "GB", "CB2 ", 1, 52_205_300, 121_800),
    (6, "Dublin", "Leinster", "IE", "D0", 1, 53_349_800, -6_260_300),
)
LANGUAGES: Final = ("en", "en,es", "en,fr", "de,en", "fr,en", "it,en", "en,de")
SKILLS: Final = ("Discovery", "Negotiation", "Product knowledge", "Forecasting", "Presentation", "CRM hygiene")
NEXT_STEPS: Final = (
    "Call back next week", "Send proposal", "Meet procurement", "Demo with the lab team", "Wait for budget approval",
    "Follow up on the quote", "Reference call", "Security questionnaire", "Legal review", "Introduce to the sponsor",
    "Confirm decision date", "Pilot evaluation", "Send the business case", "Agree on the order form", "Site visit",
    "Price discussion", "Clarify requirements", "Check competitor's offer", "Plan onboarding", "Executive sponsor call",
)  # fmt: skip
