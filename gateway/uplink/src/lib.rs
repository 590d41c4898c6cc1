//! Drains parcels to the regions their policy names.
