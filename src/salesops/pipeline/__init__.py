"""Pipeline analytics: waterfall, stage movements, process variants. See `queries`."""
