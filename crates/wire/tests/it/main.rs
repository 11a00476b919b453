//! The codecs from outside: messages of real peers, the fuzzer's corpus, random texts.

mod corpus;
mod golden;
mod piplc;
mod random;
mod simple;
