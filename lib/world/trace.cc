#include "world/trace.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

#include "base/assert.h"
#include "wire/print.h"

namespace mayfly::world {

// Not for secrets: any change of the words changes it, and it costs a few cycles a word.
void Trace::digest(std::uint64_t word) noexcept {
  digest_ = (std::rotl(digest_, 23) ^ word) * 0x9e37'79b9'7f4a'7c15;
}

void Trace::digest(std::span<const std::byte> bytes) noexcept {
  std::uint64_t word = 0;
  for (; bytes.size() >= sizeof word; bytes = bytes.subspan(sizeof word)) {
    std::memcpy(&word, bytes.data(), sizeof word);
    digest(word);
  }
  word = bytes.size();
  std::memcpy(&word, bytes.data(), bytes.size());
  digest(word);
}

void Trace::frame(std::string_view host, std::span<const std::byte> frame, bool sent, Instant now) {
  ++frames_;
  digest(static_cast<std::uint64_t>(now.us) << 1 | (sent ? 1 : 0));
  digest(frame);
  if (sent && pcap_ != nullptr) pcap_->write(frame, now);
  if (text_ == nullptr) return;
  fmt::print(text_, "{:12.6f} {:<9} {} {}\n", (now - start_).seconds(), host,
             sent ? "sends   " : "receives", wire::print_frame(frame));
}

void Trace::note(Instant now, const std::string& what) {
  MAYFLY_ASSERT(start_ <= now);
  digest(std::as_bytes(std::span(what)));
  if (text_ != nullptr) fmt::print(text_, "{:12.6f} {}\n", (now - start_).seconds(), what);
}

}  // namespace mayfly::world
