// The frames on the wires of a simulated world, as each end saw them: a digest that differs if one
// bit differs between two runs and, if wanted, a text like that of tcpdump and a pcap file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "wire/pcap_file.h"

namespace mayfly::world {

class Trace {
 public:
  /// `text` is not closed here; null = no text. `pcap` may be null too. Times are told from
  /// `start` on.
  Trace(Instant start, std::FILE* text, std::shared_ptr<wire::PcapFile> pcap)
      : start_(start), text_(text), pcap_(std::move(pcap)) {}

  /// `host` sent or is about to receive the frame. The pcap file has what was sent.
  void frame(std::string_view host, std::span<const std::byte> frame, bool sent, Instant now);
  /// Something else happened: "server-1 crashes".
  void note(Instant now, const std::string& what);

  /// Of all frames and notes so far.
  std::uint64_t digest() const noexcept { return digest_; }
  std::uint64_t frames() const noexcept { return frames_; }

 private:
  void digest(std::span<const std::byte> bytes) noexcept;
  void digest(std::uint64_t word) noexcept;

  Instant start_;
  std::FILE* text_;
  std::shared_ptr<wire::PcapFile> pcap_;
  std::uint64_t digest_ = 0xcbf2'9ce4'8422'2325, frames_ = 0;
};

}  // namespace mayfly::world
