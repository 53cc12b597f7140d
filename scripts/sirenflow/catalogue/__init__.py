"""All superevents: tables, their page, the feed."""
