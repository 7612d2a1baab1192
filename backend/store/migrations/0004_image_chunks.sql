-- An image as its content-defined chunks (docs/protocol.md section 7), for tentacles that fetch only what they lack.
CREATE TABLE image_chunks (
    image_id INTEGER PRIMARY KEY REFERENCES provisioning_images(id) ON DELETE CASCADE,
    list     BYTEA NOT NULL                      -- Empty: the image has none.
);
