// A connection with a LossRecord of its own, as the stack lends one to each that needs it.
#pragma once

#include "tcp/tcp.h"

namespace mayfly::testing {

/// May be copied: the copy has its own record.
struct Recorded : tcp::Connection {
  Recorded() { lend_record(*this, record); }
  Recorded(const Recorded& other) : tcp::Connection(other), record(other.record) {
    loss = other.loss == nullptr ? nullptr : &record;
  }
  Recorded& operator=(const Recorded& other) {
    tcp::Connection::operator=(other);
    record = other.record;
    loss = other.loss == nullptr ? nullptr : &record;
    return *this;
  }
  ~Recorded() = default;

  tcp::LossRecord record;
};

}  // namespace mayfly::testing
