//! User-space maps behind one storage contract
