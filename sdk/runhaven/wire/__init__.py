"""The words that client and server exchange: plain frozen dataclasses with annotated limits."""
