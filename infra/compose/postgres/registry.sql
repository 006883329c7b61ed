-- Run once, by a server that is new: the schema registry's own database.
CREATE DATABASE registry;
