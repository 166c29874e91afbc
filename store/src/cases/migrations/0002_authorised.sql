-- The authorisation (JSON) of an incident whose every alert is of an authorised scan: it is kept and pages nobody.
ALTER TABLE incidents ADD COLUMN authorised TEXT;
