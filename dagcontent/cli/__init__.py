"""Turn arguments into calls of `api`, and what comes back into text on a screen. Knows not how anything is stored."""
