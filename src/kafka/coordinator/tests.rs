//! The coordinator through its interface. The protocol itself is proven by `conform::classic_group_traces`.
