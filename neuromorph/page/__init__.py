"""Pages of results in one HTML file: tables, figures, downloads and where the numbers come from."""
