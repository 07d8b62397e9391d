#include "load/hdr.h"

extern "C" {  // libb64's headers do not say so themselves
#include <b64/cdecode.h>
#include <b64/cencode.h>
}
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace mayfly::load {
namespace {

using Bytes = std::vector<unsigned char>;

constexpr std::uint32_t kV2 = 0x1c849313, kV2Compressed = 0x1c849314;
constexpr std::size_t kHeaderSize = 40, kCompressedHeaderSize = 8;
/// A payload has at most kCountsMax counts of nine bytes.
constexpr std::size_t kCountsMax = std::size_t{1} << 14;
/// So that no sum of counts overflows.
constexpr std::int64_t kCountMax = std::int64_t{1} << 48;
constexpr std::size_t kPayloadMax = kHeaderSize + 9 * kCountsMax;
constexpr std::size_t kTextMax = 2 * kPayloadMax;

/// HdrHistogram's buckets: exact below 2^bits, then 2^(bits - 1) to each power of two.
struct Buckets {
  unsigned bits;

  static std::optional<Buckets> of_digits(std::uint32_t significant) {
    constexpr unsigned bits_of[] = {1, 5, 8, 11, 15, 18};  // to tell 2 x 10^digits apart
    if (significant >= std::size(bits_of)) return std::nullopt;
    return Buckets{bits_of[significant]};
  }
  std::size_t index_of(std::uint64_t value) const {
    const auto width = static_cast<unsigned>(std::bit_width(value | ((1ULL << bits) - 1)));
    const unsigned shift = width - bits;
    return (std::size_t{shift} << (bits - 1)) + (value >> shift);
  }
  /// The largest value that is counted at `index`, which is at most that of Histogram::kValueMax.
  std::uint64_t largest_at(std::size_t index) const {
    const std::uint64_t half = 1ULL << (bits - 1);
    if (index < 2 * half) return index;
    const std::size_t shift = index / half - 1;
    return ((index - shift * half + 1) << shift) - 1;
  }
};

template <class Number>
void put(Bytes& bytes, Number number) {  // in network order
  for (int shift = 8 * (static_cast<int>(sizeof(Number)) - 1); shift >= 0; shift -= 8)
    bytes.push_back(static_cast<unsigned char>(static_cast<std::uint64_t>(number) >> shift));
}

std::uint32_t u32_at(std::span<const unsigned char> bytes, std::size_t at) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) number = number << 8 | bytes[at + i];
  return number;
}

/// ZigZag LEB128 of at most nine bytes, the last of which has all its eight bits.
void put_count(Bytes& bytes, std::int64_t count) {
  std::uint64_t rest =
      (static_cast<std::uint64_t>(count) << 1) ^ static_cast<std::uint64_t>(count >> 63);
  for (int i = 0; i < 8 && rest > 0x7f; ++i, rest >>= 7)
    bytes.push_back(static_cast<unsigned char>(rest | 0x80));
  bytes.push_back(static_cast<unsigned char>(rest));
}

/// Takes a count from the front of `bytes`; nullopt if it is cut off.
std::optional<std::int64_t> take_count(std::span<const unsigned char>& bytes) {
  std::uint64_t number = 0;
  for (unsigned i = 0; !bytes.empty() && i < 9; ++i) {
    const std::uint64_t byte = bytes.front();
    bytes = bytes.subspan(1);
    number |= (i < 8 ? byte & 0x7f : byte) << (7 * i);
    if (i == 8 || (byte & 0x80) == 0)
      return static_cast<std::int64_t>(number >> 1) ^ -static_cast<std::int64_t>(number & 1);
  }
  return std::nullopt;
}

/// The counts up to the last that is not 0; a run of zeros as its negative length.
Bytes counts_of(const Histogram& histogram, const Buckets& buckets) {
  Bytes bytes;
  std::size_t next = 0;
  histogram.for_each([&](std::uint64_t value, std::uint64_t count) {
    const std::size_t index = buckets.index_of(value);
    if (const std::size_t zeros = index - next; zeros > 0)
      put_count(bytes, zeros == 1 ? 0 : -static_cast<std::int64_t>(zeros));
    put_count(bytes, static_cast<std::int64_t>(count));
    next = index + 1;
  });
  return bytes;
}

std::string to_base64(const Bytes& bytes) {
  base64_encodestate state;
  base64_init_encodestate(&state);
  std::string text(2 * bytes.size() + 16, '\0');
  int length = base64_encode_block(reinterpret_cast<const char*>(bytes.data()),
                                   static_cast<int>(bytes.size()), text.data(), &state);
  length += base64_encode_blockend(text.data() + length, &state);
  text.resize(static_cast<std::size_t>(length));
  std::erase(text, '\n');
  return text;
}

Bytes of_base64(std::string_view text) {
  base64_decodestate state;
  base64_init_decodestate(&state);
  Bytes bytes(text.size() + 4);
  const int length = base64_decode_block(text.data(), static_cast<int>(text.size()),
                                         reinterpret_cast<char*>(bytes.data()), &state);
  bytes.resize(static_cast<std::size_t>(std::max(length, 0)));
  return bytes;
}

const Error kForeign{"is no compressed HdrHistogram of version 2 (\"HISTFAAA...\")"};
const Error kDamaged{"is a damaged HdrHistogram"};

/// What is behind the header of the compression, decompressed.
Result<Bytes> payload_of(const Bytes& compressed) {
  if (compressed.size() < kCompressedHeaderSize || u32_at(compressed, 0) != kV2Compressed)
    return kForeign;
  const std::size_t length = u32_at(compressed, 4);
  if (length > compressed.size() - kCompressedHeaderSize) return kDamaged;
  Bytes payload(kPayloadMax);
  uLongf size = payload.size();
  if (uncompress(payload.data(), &size, compressed.data() + kCompressedHeaderSize, length) != Z_OK)
    return kDamaged;
  payload.resize(size);
  if (size < kHeaderSize || u32_at(payload, 0) != kV2) return kForeign;
  return payload;
}

Result<Histogram> read_counts(std::span<const unsigned char> counts, const Buckets& buckets) {
  // Histogram's last bucket is wider than kValueMax.
  const std::size_t last = buckets.index_of(Histogram::kValueMax + Histogram::kValueMax / 64 - 1);
  Histogram histogram;
  std::size_t index = 0;
  while (!counts.empty()) {
    const auto count = take_count(counts);
    if (!count || index >= kCountsMax || *count < -static_cast<std::int64_t>(kCountsMax))
      return kDamaged;
    if (*count < 0) {
      index += static_cast<std::size_t>(-*count);
      continue;
    }
    if (*count > 0) {
      if (index > last || *count > kCountMax) return kDamaged;
      histogram.record(buckets.largest_at(index), static_cast<std::uint64_t>(*count));
    }
    ++index;
  }
  return histogram;
}

}  // namespace

std::string to_hdr(const Histogram& histogram) {
  constexpr std::uint32_t kDigits = 2;
  const Bytes counts = counts_of(histogram, *Buckets::of_digits(kDigits));
  Bytes payload;
  put(payload, kV2);
  put(payload, static_cast<std::uint32_t>(counts.size()));
  put(payload, std::uint32_t{0});  // the index is not shifted
  put(payload, kDigits);
  put(payload, std::uint64_t{1});
  put(payload, Histogram::kValueMax);
  put(payload, std::bit_cast<std::uint64_t>(1.0));  // no conversion
  payload.insert(payload.end(), counts.begin(), counts.end());
  uLongf size = compressBound(payload.size());
  Bytes compressed(size);
  [[maybe_unused]] const int done =
      compress2(compressed.data(), &size, payload.data(), payload.size(), Z_BEST_COMPRESSION);
  MAYFLY_ASSERT(done == Z_OK);
  Bytes whole;
  put(whole, kV2Compressed);
  put(whole, static_cast<std::uint32_t>(size));
  whole.insert(whole.end(), compressed.begin(),
               compressed.begin() + static_cast<std::ptrdiff_t>(size));
  return to_base64(whole);
}

Result<Histogram> from_hdr(std::string_view text) {
  if (text.size() > kTextMax) return kDamaged;
  const auto payload = payload_of(of_base64(text));
  if (!payload) return payload.error();
  const std::size_t length = u32_at(*payload, 4);
  const auto buckets = Buckets::of_digits(u32_at(*payload, 12));
  if (length > payload->size() - kHeaderSize || !buckets || u32_at(*payload, 8) != 0)
    return kDamaged;
  return read_counts(std::span(*payload).subspan(kHeaderSize, length), *buckets);
}

}  // namespace mayfly::load
