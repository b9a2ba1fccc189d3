"""One run: an app is started, checked, loaded and watched, and what was seen is kept."""
