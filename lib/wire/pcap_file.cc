#include "wire/pcap_file.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/assert.h"

namespace mayfly::wire {
namespace {

// https://www.tcpdump.org/manpages/pcap-savefile.5.html, in the host's byte order.
struct FileHeader {
  std::uint32_t magic = 0xa1b2'c3d4;
  std::uint16_t version_major = 2, version_minor = 4;
  std::uint32_t reserved[2] = {0, 0};
  std::uint32_t snapshot_length = PcapFile::kFrameMax;
  std::uint32_t link_type = 1;  // Ethernet
};
static_assert(sizeof(FileHeader) == 24);

struct RecordHeader {
  std::uint32_t seconds, microseconds, length_kept, length;
};

constexpr std::int64_t kSecond = 1'000'000;

}  // namespace

Result<std::shared_ptr<PcapFile>> PcapFile::create(const std::string& path, Instant epoch) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  const FileHeader header;
  if (file == nullptr || std::fwrite(&header, sizeof header, 1, file) != 1) {
    return Error{fmt::format("cannot write the capture \"{}\": {}", path, std::strerror(errno))};
  }
  return std::shared_ptr<PcapFile>(new PcapFile(file, path, epoch));
}

PcapFile::~PcapFile() {
  if (std::fclose(file_) != 0) end_early(errno);
}

void PcapFile::end_early(int reason) noexcept {
  if (has_ended_.exchange(true)) return;
  std::fprintf(stderr, "mayfly: the capture \"%s\" is not whole: %s\n", path_.c_str(),
               std::strerror(reason));
}

void PcapFile::write(std::span<const std::byte> frame, Instant now) noexcept {
  MAYFLY_ASSERT(frame.size() <= kFrameMax);
  if (has_ended_.load(std::memory_order_relaxed)) return;  // half a record may be its last
  const std::int64_t us = (now - epoch_).us;
  MAYFLY_ASSERT(us >= 0);
  const auto length = static_cast<std::uint32_t>(frame.size());
  const RecordHeader header{static_cast<std::uint32_t>(us / kSecond),
                            static_cast<std::uint32_t>(us % kSecond), length, length};
  // One call: stdio's lock keeps the records of several cores apart.
  std::array<std::byte, sizeof header + kFrameMax> record;
  std::memcpy(record.data(), &header, sizeof header);
  std::memcpy(record.data() + sizeof header, frame.data(), frame.size());
  if (std::fwrite(record.data(), sizeof header + frame.size(), 1, file_) != 1) end_early(errno);
}

}  // namespace mayfly::wire
