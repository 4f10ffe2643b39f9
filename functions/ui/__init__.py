"""The page that a browser sees at `/`: one static document that reads the native API."""
