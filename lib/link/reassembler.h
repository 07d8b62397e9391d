// IPv4 reassembly (RFC 791 3.2, RFC 815) in fixed memory. Each datagram has a buffer that its
// fragments are copied into, and a bitmap of the 8-byte units that have arrived, by which overlaps
// are found exactly.
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

namespace mayfly::link {

/// Its memory, about 130 KiB, is allocated by the constructor.
class Reassembler {
 public:
  /// Datagrams that can be incomplete at once. When there are as many, a new one takes the place
  /// of the oldest of its own source if that has kSourceMax, else of the oldest of all.
  static constexpr std::size_t kCapacity = 64, kSourceMax = 8;
  /// Payload bytes of the longest datagram: with its headers it fits into one frame (kFrameRoom).
  static constexpr std::size_t kPayloadMax = (kFrameRoom - 18 - 60) / 8 * 8;
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

  Reassembler() : datagrams_(kCapacity) {}

  /// Adds a fragment, which starts with its IPv4 header; bytes after its total length are padding.
  Answer add(std::span<const std::byte> packet, Instant now) noexcept {
    Answer answer;
    answer.timed_out = expire(now);
    Fragment f;
    answer.why = read(packet, f);
    if (answer.why == Drop::none) take(f, now, answer);
    return answer;
  }

 private:
  static constexpr std::size_t kUnit = 8;  // RFC 791: offsets count 8 octets
  static constexpr std::size_t kUnits = kPayloadMax / kUnit;

  struct Id {
    std::uint64_t addresses = 0;
    std::uint32_t identification_and_protocol = 0;
    std::uint32_t source() const noexcept {  // in network order: the packet has it first
      std::uint32_t address;
      std::memcpy(&address, &addresses, sizeof address);
      return address;
    }
    friend bool operator==(const Id&, const Id&) = default;
  };

  struct Fragment {
    Id id;
    std::span<const std::byte> header, payload;
    std::size_t offset = 0;
    bool last = false;
  };

  struct Datagram {
    bool open = false;
    bool poisoned =
        false;  // RFC 5722 4: after an overlap, fragments that come later are dropped too
    Id id;
    Instant deadline;
    std::size_t header_size = 0, payload_size = 0;  // 0 = not known yet
    std::size_t units = 0;
    std::bitset<kUnits> arrived;
    std::array<std::byte, 60 + kPayloadMax>
        bytes;  // the header ends where the payload starts, at 60

    Drop take(const Fragment& f) noexcept;
    bool complete() const noexcept {
      return payload_size != 0 && units == (payload_size + kUnit - 1) / kUnit;
    }
    std::span<const std::byte> finish() noexcept;

   private:
    enum class Cover : std::uint8_t { fresh, duplicate, overlap };
    Cover cover(const Fragment& f) const noexcept;
    bool fits_size(const Fragment& f) const noexcept;
  };

  static Drop read(std::span<const std::byte> packet, Fragment& f) noexcept;

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
    d.poisoned = false;
    d.id = id;
    d.deadline = now + kTimeout;
    d.header_size = d.payload_size = d.units = 0;
    d.arrived.reset();
    return d;
  }

  // All are open. Returns the one whose place `id` takes.
  Datagram& give_way(const Id& id, Answer& answer) noexcept {
    Datagram* oldest = &datagrams_[0];
    Datagram* own = nullptr;
    std::size_t owned = 0;
    for (Datagram& d : datagrams_) {
      if (d.deadline < oldest->deadline) oldest = &d;
      if (d.id.source() != id.source()) continue;
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
    MAYFLY_ASSERT(answer.datagram.size() <= 60 + kPayloadMax);
  }

  // Returns how many are given up, without those dropped for an overlap: that was counted.
  std::size_t expire(Instant now) noexcept {
    std::size_t given_up = 0;
    for (Datagram& d : datagrams_) {
      if (!d.open || now < d.deadline) continue;
      d.open = false;
      if (!d.poisoned) ++given_up;
    }
    return given_up;
  }

  std::vector<Datagram> datagrams_;
};

inline Drop Reassembler::read(std::span<const std::byte> packet, Fragment& f) noexcept {
  if (packet.size() < 20) return Drop::frame_short;
  const std::size_t header = (std::to_integer<std::size_t>(packet[0]) & 0x0f) * 4;
  const std::size_t total = load_be16(&packet[2]);
  if (header < 20 || header > total) return Drop::ip_header_length;
  if (total > packet.size()) return Drop::ip_total_length;
  f.header = packet.first(header);
  if (wire::checksum_fold(wire::checksum_add(f.header)) != 0xffff) return Drop::ip_checksum;
  f.payload = packet.subspan(header, total - header);
  const std::uint16_t field = load_be16(&packet[6]);
  f.offset = (field & 0x1fffu) * kUnit;
  f.last = (field & 0x2000) == 0;
  // RFC 791 3.1: all but the last are multiples of 8 octets; an end beyond 65,535 is an attack.
  if (f.payload.empty() || (!f.last && f.payload.size() % kUnit != 0))
    return Drop::fragment_malformed;
  if (header + f.offset + f.payload.size() > 65'535) return Drop::fragment_malformed;
  if (f.offset + f.payload.size() > kPayloadMax) return Drop::frame_chained;
  std::memcpy(&f.id.addresses, &packet[12], 8);
  f.id.identification_and_protocol =
      std::uint32_t{load_be16(&packet[4])} << 8 | std::to_integer<std::uint32_t>(packet[9]);
  return Drop::none;
}

inline Drop Reassembler::Datagram::take(const Fragment& f) noexcept {
  MAYFLY_ASSERT(open && f.offset % kUnit == 0 && f.offset + f.payload.size() <= kPayloadMax);
  if (poisoned) return Drop::fragment_overlap;
  const Cover covered = cover(f);
  if (covered == Cover::duplicate) return Drop::none;  // RFC 8200 4.5: an exact copy does no harm
  if (covered == Cover::overlap || !fits_size(f)) {
    poisoned = true;
    return covered == Cover::overlap ? Drop::fragment_overlap : Drop::fragment_malformed;
  }
  std::memcpy(&bytes[60 + f.offset], f.payload.data(), f.payload.size());
  const std::size_t first = f.offset / kUnit, count = (f.payload.size() + kUnit - 1) / kUnit;
  for (std::size_t i = first; i < first + count; ++i) arrived.set(i);
  units += count;
  MAYFLY_ASSERT(units <= kUnits);
  if (f.last) payload_size = f.offset + f.payload.size();
  if (f.offset == 0) {  // RFC 791 3.2: the first fragment's header becomes the datagram's
    header_size = f.header.size();
    std::memcpy(&bytes[60 - header_size], f.header.data(), header_size);
  }
  return Drop::none;
}

inline auto Reassembler::Datagram::cover(const Fragment& f) const noexcept -> Cover {
  const std::size_t first = f.offset / kUnit, count = (f.payload.size() + kUnit - 1) / kUnit;
  std::size_t there = 0;
  for (std::size_t i = first; i < first + count; ++i) there += arrived.test(i);
  if (there == 0) return Cover::fresh;
  const bool same =
      there == count && std::memcmp(&bytes[60 + f.offset], f.payload.data(), f.payload.size()) == 0;
  return same ? Cover::duplicate : Cover::overlap;
}

/// False if the fragment is beyond the datagram's end, or says that the end is before something
/// that has arrived.
inline bool Reassembler::Datagram::fits_size(const Fragment& f) const noexcept {
  const std::size_t end = f.offset + f.payload.size();
  if (payload_size != 0) return !f.last && end <= payload_size;
  return !f.last || (arrived >> (end + kUnit - 1) / kUnit).none();
}

inline std::span<const std::byte> Reassembler::Datagram::finish() noexcept {
  MAYFLY_ASSERT(complete() && header_size >= 20 && header_size <= 60);
  std::byte* header = &bytes[60 - header_size];
  store_be16(header + 2, static_cast<std::uint16_t>(header_size + payload_size));
  store_be16(header + 6, 0);  // a whole datagram: no flags, offset 0
  store_be16(header + 10, 0);
  store_be16(header + 10, wire::checksum_finish(wire::checksum_add({header, header_size})));
  return {header, header_size + payload_size};
}

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
