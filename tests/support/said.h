// What a TCP segment says, in a test's words. What is not said is right for a peer that sends it
// (next in sequence, acknowledging all), and not looked at in a segment that is expected.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "wire/segment.h"

namespace mayfly::testing {

struct Said {
  std::uint8_t flags = 0;
  std::string text;
  std::optional<std::int64_t> seq_at, ack_at;
  std::optional<std::uint16_t> window_field, mss_value;
  std::optional<std::uint8_t> scale;
  std::optional<wire::Timestamps> ts;

  /// Numbers count octets of text: 0 is the first one after the SYN, for both sides.
  Said at(std::int64_t n) const {
    return with([&](Said& s) { s.seq_at = n; });
  }
  Said acks(std::int64_t n) const {
    return with([&](Said& s) { s.flags |= wire::tcp_flag::ack, s.ack_at = n; });
  }
  Said window(std::uint16_t n) const {
    return with([&](Said& s) { s.window_field = n; });
  }
  Said mss(std::uint16_t n) const {
    return with([&](Said& s) { s.mss_value = n; });
  }
  Said scaled(std::uint8_t n) const {
    return with([&](Said& s) { s.scale = n; });
  }
  Said stamped(std::uint32_t val, std::uint32_t echo = 0) const {
    return with([&](Said& s) { s.ts = wire::Timestamps{val, echo}; });
  }
  Said with_fin() const {
    return with([](Said& s) { s.flags |= wire::tcp_flag::fin; });
  }
  Said with_ack() const {
    return with([](Said& s) { s.flags |= wire::tcp_flag::ack; });
  }

 private:
  template <class F>
  Said with(F change) const {
    Said changed = *this;
    change(changed);
    return changed;
  }
};

inline Said said(std::uint8_t flags, std::string text = {}) {
  Said s;
  s.flags = flags;
  s.text = std::move(text);
  return s;
}
inline Said syn() { return said(wire::tcp_flag::syn).at(-1).mss(1'460); }
inline Said syn_ack() { return said(wire::tcp_flag::syn | wire::tcp_flag::ack).at(-1); }
inline Said ack() { return said(wire::tcp_flag::ack); }
inline Said text(std::string what) { return said(wire::tcp_flag::ack, std::move(what)); }
inline Said fin() { return said(wire::tcp_flag::fin | wire::tcp_flag::ack); }
inline Said rst() { return said(wire::tcp_flag::rst); }

}  // namespace mayfly::testing
