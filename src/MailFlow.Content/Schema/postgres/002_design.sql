-- What the visual editor needs to open the template again: opaque JSON text of its own, never rendered. A version without was written by hand.
ALTER TABLE template_version ADD COLUMN design TEXT;
