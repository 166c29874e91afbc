-- What people add to what is known of an incident, for its reports.
CREATE TABLE particulars (
    incident TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
);
