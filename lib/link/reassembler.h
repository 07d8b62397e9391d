// Reassembly (RFC 791 3.2, RFC 815; RFC 8200 4.5) in fixed memory, for either family. Each datagram
// has a buffer that its fragments are copied into, and bitmaps of the 8-byte units that have
// arrived and of those that a fragment began with, by which overlaps are found exactly.
#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "base/assert.h"
#include "base/endian.h"
#include "base/time.h"
#include "link/port.h"
#include "wire/checksum.h"
#include "wire/drop.h"
#include "wire/layout.h"

namespace mayfly::link {

/// A fragment as it is read. `header` is what the whole datagram has before its payload.
template <class Id>
struct FragmentOf {
  Id id;
  std::span<const std::byte> header, payload;
  std::size_t offset = 0;
  bool last = false;
  bool to_group = false;  ///< it came to a group of stations
};

/// What fragments are in IPv4 (RFC 791 3.1).
struct Ipv4Fragments {
  static constexpr std::size_t kHeaderMax = 60;
  struct Id {
    std::uint64_t addresses = 0;
    std::uint32_t identification_and_protocol = 0;
    bool has_source_of(const Id& other) const noexcept {  // the packet has the source first
      return static_cast<std::uint32_t>(addresses) == static_cast<std::uint32_t>(other.addresses);
    }
    friend bool operator==(const Id&, const Id&) = default;
  };
  static Drop read(std::span<const std::byte> packet, FragmentOf<Id>& f) noexcept;
  /// Makes the first fragment's header that of the whole datagram.
  static void finish(std::span<std::byte> header, std::size_t payload_size) noexcept;
};

/// In IPv6 (RFC 8200 4.5): the header is all of the chain up to the fragment header, which stays as
/// that of an atomic fragment. So the parser still knows that the packet came in pieces (RFC 6980).
struct Ipv6Fragments {
  static constexpr std::size_t kHeaderMax = 128;
  struct Id {
    std::array<std::byte, 32> addresses{};
    std::uint32_t identification = 0;
    bool has_source_of(const Id& other) const noexcept {
      return std::memcmp(addresses.data(), other.addresses.data(), 16) == 0;
    }
    friend bool operator==(const Id&, const Id&) = default;
  };
  static Drop read(std::span<const std::byte> packet, FragmentOf<Id>& f) noexcept;
  static void finish(std::span<std::byte> header, std::size_t payload_size) noexcept;
};

/// Its memory, about 130 KiB, is allocated by the constructor.
template <class Family>
class BasicReassembler {
 public:
  /// Datagrams that can be incomplete at once. When there are as many, a new one takes the place
  /// of the oldest of its own source if that has kSourceMax, else of the oldest of all.
  static constexpr std::size_t kCapacity = 64, kSourceMax = 8;
  /// Payload bytes of the longest datagram: with its headers it fits into one frame (kFrameRoom).
  static constexpr std::size_t kPayloadMax = (kFrameRoom - 18 - Family::kHeaderMax) / 8 * 8;
  /// RFC 1122 3.3.2: between 60 and 120 seconds, not lengthened by later fragments.
  static constexpr Duration kTimeout = Duration::from_s(60);

  /// What add() did.
  struct Answer {
    Drop why = Drop::none;  ///< why the fragment was dropped
    /// The datagram, with its header, if it is complete now; else empty. Valid until the next call.
    std::span<const std::byte> datagram;
    /// Datagrams given up in this call: not complete within kTimeout, or the table was full.
    std::size_t timed_out = 0, evicted = 0;
  };

  BasicReassembler() : datagrams_(kCapacity) {}

  /// Adds a fragment, which starts with its IP header; bytes after its total length are padding.
  /// `to_group`: it came to a group of stations, so that nobody is to be told of what is missing.
  Answer add(std::span<const std::byte> packet, Instant now, bool to_group = false) noexcept {
    Answer answer;
    answer.timed_out = expire(now, [](std::span<const std::byte>) {});
    Fragment f;
    answer.why = Family::read(packet, f);
    MAYFLY_ASSERT(answer.why != Drop::none || f.offset + f.payload.size() <= 65'535);
    // What is longer does not fit into a frame.
    if (answer.why == Drop::none && f.offset + f.payload.size() > kPayloadMax)
      answer.why = Drop::frame_chained;
    f.to_group = to_group;
    if (answer.why == Drop::none) take(f, now, answer);
    return answer;
  }

  /// Gives up the datagrams that are not complete after kTimeout. `late(packet)` gets the first
  /// fragment of each whose sender may be told so, as it arrived. Returns how many were given up,
  /// without those dropped for an overlap: that was counted. Cheap if none is due.
  template <class F>
  std::size_t expire(Instant now, F&& late) noexcept {
    if (now < next_deadline_) [[likely]]
      return 0;
    next_deadline_ = Instant::never();
    std::size_t given_up = 0;
    for (Datagram& d : datagrams_) {
      if (!d.open) continue;
      if (now < d.deadline) {
        next_deadline_ = std::min(next_deadline_, d.deadline);
        continue;
      }
      d.open = false;
      if (d.poisoned) continue;
      ++given_up;
      if (const auto packet = d.first_fragment(); !packet.empty() && !d.to_group) late(packet);
    }
    return given_up;
  }

 private:
  static constexpr std::size_t kUnit = 8;  // RFC 791: offsets count 8 octets
  static constexpr std::size_t kUnits = kPayloadMax / kUnit;

  static constexpr std::size_t kHeaderMax = Family::kHeaderMax;
  using Id = typename Family::Id;
  using Fragment = FragmentOf<Id>;

  struct Datagram {
    bool open = false;
    bool poisoned =
        false;  // RFC 5722 4: after an overlap, fragments that come later are dropped too
    bool to_group = false;  // a fragment came to a group of stations
    Id id;
    Instant deadline;
    std::size_t header_size = 0, payload_size = 0;  // 0 = not known yet
    std::size_t first_size = 0;                     // payload of the first fragment
    std::size_t units = 0;
    std::bitset<kUnits> arrived, begins;  // begins: a fragment has begun with this unit
    std::array<std::byte, kHeaderMax + kPayloadMax>
        bytes;  // the header ends where the payload starts, at kHeaderMax

    Drop take(const Fragment& f) noexcept;
    bool complete() const noexcept {
      return payload_size != 0 && units == (payload_size + kUnit - 1) / kUnit;
    }
    std::span<const std::byte> finish() noexcept;
    /// Empty if it has not arrived.
    std::span<const std::byte> first_fragment() const noexcept {
      return std::span(bytes).subspan(kHeaderMax - header_size, header_size + first_size);
    }

   private:
    enum class Cover : std::uint8_t { fresh, duplicate, overlap };
    Cover cover(const Fragment& f) const noexcept;
    bool is_copy(const Fragment& f, std::size_t first, std::size_t count) const noexcept;
    bool fits_size(const Fragment& f) const noexcept;
  };

  Datagram* find(const Id& id) noexcept {
    for (Datagram& d : datagrams_) {
      if (d.open && d.id == id) return &d;
    }
    return nullptr;
  }

  Datagram& open(const Id& id, Instant now, Answer& answer) noexcept {
    const auto free = std::find_if(datagrams_.begin(), datagrams_.end(),
                                   [](const Datagram& d) { return !d.open; });
    Datagram& d = free != datagrams_.end() ? *free : give_way(id, answer);
    d.open = true;
    d.poisoned = d.to_group = false;
    d.id = id;
    d.deadline = now + kTimeout;
    next_deadline_ = std::min(next_deadline_, d.deadline);
    d.header_size = d.payload_size = d.first_size = d.units = 0;
    d.arrived.reset();
    d.begins.reset();
    return d;
  }

  // All are open. Returns the one whose place `id` takes.
  Datagram& give_way(const Id& id, Answer& answer) noexcept {
    Datagram* oldest = &datagrams_[0];
    Datagram* own = nullptr;
    std::size_t owned = 0;
    for (Datagram& d : datagrams_) {
      if (d.deadline < oldest->deadline) oldest = &d;
      if (!d.id.has_source_of(id)) continue;
      ++owned;
      if (own == nullptr || d.deadline < own->deadline) own = &d;
    }
    Datagram& victim = owned >= kSourceMax ? *own : *oldest;
    if (!victim.poisoned) ++answer.evicted;
    return victim;
  }

  void take(const Fragment& f, Instant now, Answer& answer) noexcept {
    Datagram* datagram = find(f.id);
    if (datagram == nullptr) datagram = &open(f.id, now, answer);
    answer.why = datagram->take(f);
    if (answer.why != Drop::none || !datagram->complete()) return;
    datagram->open = false;
    answer.datagram = datagram->finish();
    MAYFLY_ASSERT(answer.datagram.size() <= kHeaderMax + kPayloadMax);
  }

  std::vector<Datagram> datagrams_;
  Instant next_deadline_ = Instant::never();  // no later than that of any open datagram
};

inline Drop Ipv4Fragments::read(std::span<const std::byte> packet, FragmentOf<Id>& f) noexcept {
  if (packet.size() < 20) return Drop::frame_short;
  const std::size_t header = (std::to_integer<std::size_t>(packet[0]) & 0x0f) * 4;
  const std::size_t total = load_be16(&packet[2]);
  if (header < 20 || header > total) return Drop::ip_header_length;
  if (total > packet.size()) return Drop::ip_total_length;
  f.header = packet.first(header);
  if (wire::checksum_fold(wire::checksum_add(f.header)) != 0xffff) return Drop::ip_checksum;
  f.payload = packet.subspan(header, total - header);
  const std::uint16_t field = load_be16(&packet[6]);
  f.offset = (field & 0x1fffu) * 8;
  f.last = (field & 0x2000) == 0;
  // RFC 791 3.1: all but the last are multiples of 8 octets; an end beyond 65,535 is an attack.
  if (f.payload.empty() || (!f.last && f.payload.size() % 8 != 0)) return Drop::fragment_malformed;
  if (header + f.offset + f.payload.size() > 65'535) return Drop::fragment_malformed;
  std::memcpy(&f.id.addresses, &packet[12], 8);
  f.id.identification_and_protocol =
      std::uint32_t{load_be16(&packet[4])} << 8 | std::to_integer<std::uint32_t>(packet[9]);
  return Drop::none;
}

inline void Ipv4Fragments::finish(std::span<std::byte> header, std::size_t payload_size) noexcept {
  store_be16(&header[2], static_cast<std::uint16_t>(header.size() + payload_size));
  store_be16(&header[6], 0);  // a whole datagram: no flags, offset 0
  store_be16(&header[10], 0);
  store_be16(&header[10], wire::checksum_finish(wire::checksum_add(header)));
}

inline Drop Ipv6Fragments::read(std::span<const std::byte> packet, FragmentOf<Id>& f) noexcept {
  if (packet.size() < wire::kIpv6HeaderSize) return Drop::frame_short;
  const std::size_t total =
      wire::kIpv6HeaderSize + load_be16(&packet[wire::ipv6_at::payload_length]);
  if (total > packet.size()) return Drop::ip_total_length;
  packet = packet.first(total);
  std::uint8_t next = wire::load_u8(&packet[wire::ipv6_at::next_header]);
  std::size_t at = wire::kIpv6HeaderSize;
  while (at + 8 <= total && next != wire::next_header::fragment) {
    next = wire::load_u8(&packet[at]);
    at += (wire::load_u8(&packet[at + 1]) + std::size_t{1}) * 8;
  }
  if (at + 8 > total || at + 8 > kHeaderMax) return Drop::ip6_chain;
  f.header = packet.first(at + 8);
  f.payload = packet.subspan(at + 8);
  const std::uint16_t field = load_be16(&packet[at + 2]);
  f.offset = field & 0xfff8u;
  f.last = (field & 1) == 0;
  if (f.payload.empty() || (!f.last && f.payload.size() % 8 != 0) ||
      f.offset + f.payload.size() > 65'535)
    return Drop::fragment_malformed;
  std::memcpy(f.id.addresses.data(), &packet[wire::ipv6_at::source], f.id.addresses.size());
  f.id.identification = load_be32(&packet[at + 4]);
  return Drop::none;
}

inline void Ipv6Fragments::finish(std::span<std::byte> header, std::size_t payload_size) noexcept {
  store_be16(&header[wire::ipv6_at::payload_length],
             static_cast<std::uint16_t>(header.size() - wire::kIpv6HeaderSize + payload_size));
  store_be16(&header[header.size() - 6], 0);  // an atomic fragment
}

template <class Family>
Drop BasicReassembler<Family>::Datagram::take(const Fragment& f) noexcept {
  MAYFLY_ASSERT(open && f.offset % kUnit == 0 && f.offset + f.payload.size() <= kPayloadMax);
  if (poisoned) return Drop::fragment_overlap;
  to_group |= f.to_group;
  const Cover covered = cover(f);
  if (covered == Cover::duplicate) return Drop::none;  // RFC 8200 4.5: an exact copy does no harm
  if (covered == Cover::overlap || !fits_size(f)) {
    poisoned = true;
    return covered == Cover::overlap ? Drop::fragment_overlap : Drop::fragment_malformed;
  }
  std::memcpy(&bytes[kHeaderMax + f.offset], f.payload.data(), f.payload.size());
  const std::size_t first = f.offset / kUnit, count = (f.payload.size() + kUnit - 1) / kUnit;
  for (std::size_t i = first; i < first + count; ++i) arrived.set(i);
  begins.set(first);
  units += count;
  MAYFLY_ASSERT(units <= kUnits);
  if (f.last) payload_size = f.offset + f.payload.size();
  if (f.offset == 0) {  // RFC 791 3.2: the first fragment's header becomes the datagram's
    header_size = f.header.size();
    first_size = f.payload.size();
    std::memcpy(&bytes[kHeaderMax - header_size], f.header.data(), header_size);
  }
  return Drop::none;
}

template <class Family>
auto BasicReassembler<Family>::Datagram::cover(const Fragment& f) const noexcept -> Cover {
  const std::size_t first = f.offset / kUnit, count = (f.payload.size() + kUnit - 1) / kUnit;
  std::size_t there = 0;
  for (std::size_t i = first; i < first + count; ++i) there += arrived.test(i);
  if (there == 0) return Cover::fresh;
  return there == count && is_copy(f, first, count) ? Cover::duplicate : Cover::overlap;
}

// RFC 8200 4.5: an exact duplicate. It begins and ends where one fragment has, and has its text.
template <class Family>
bool BasicReassembler<Family>::Datagram::is_copy(const Fragment& f, std::size_t first,
                                                 std::size_t count) const noexcept {
  if (!begins.test(first) || f.last != (payload_size == f.offset + f.payload.size())) return false;
  for (std::size_t i = first + 1; i < first + count; ++i)
    if (begins.test(i)) return false;
  const std::size_t behind = first + count;
  if (behind < kUnits && arrived.test(behind) && !begins.test(behind)) return false;
  return std::memcmp(&bytes[kHeaderMax + f.offset], f.payload.data(), f.payload.size()) == 0;
}

/// False if the fragment is beyond the datagram's end, or says that the end is before something
/// that has arrived.
template <class Family>
bool BasicReassembler<Family>::Datagram::fits_size(const Fragment& f) const noexcept {
  const std::size_t end = f.offset + f.payload.size();
  if (payload_size != 0) return !f.last && end <= payload_size;
  return !f.last || (arrived >> (end + kUnit - 1) / kUnit).none();
}

template <class Family>
std::span<const std::byte> BasicReassembler<Family>::Datagram::finish() noexcept {
  MAYFLY_ASSERT(complete() && header_size >= 20 && header_size <= kHeaderMax);
  const std::span<std::byte> header =
      std::span(bytes).subspan(kHeaderMax - header_size, header_size);
  Family::finish(header, payload_size);
  return {header.data(), header_size + payload_size};
}

using Reassembler = BasicReassembler<Ipv4Fragments>;
using Reassembler6 = BasicReassembler<Ipv6Fragments>;

/// The frame of a datagram's last fragment with the whole datagram in place of it. Takes ownership
/// of `fragment`, whose network header is at `l3_off`; null, and the fragment released, if
/// `datagram` is empty.
template <Port P>
typename P::Frame put_datagram(P& port, typename P::Frame fragment, std::size_t l3_off,
                               std::span<const std::byte> datagram) noexcept {
  if (datagram.empty()) {
    port.release(fragment);
    return {};
  }
  MAYFLY_ASSERT(l3_off + datagram.size() <= kFrameRoom);
  port.set_length(fragment, l3_off + datagram.size());
  std::memcpy(&port.bytes(fragment)[l3_off], datagram.data(), datagram.size());
  return fragment;
}

}  // namespace mayfly::link
