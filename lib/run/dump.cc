#include "run/dump.h"

#include <fmt/format.h>
#include <pcap/pcap.h>

#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "link/port.h"
#include "nic/clock.h"
#include "run/pcapng.h"

namespace mayfly::run {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::steady_clock;

constexpr std::size_t kRingBytes = 4 << 20;  // a core
constexpr std::size_t kReadMax = 4 << 20;    // a call of read()
constexpr std::chrono::seconds kAbandonedAfter{5};
constexpr std::uint32_t kBytesMin = 14;

/// The number of this key, below `end`; nothing if there is none. An error if it is another.
Result<std::optional<std::uint32_t>> number_of(const Json& wanted, const char* key,
                                               std::size_t begin, std::size_t end) {
  const auto found = wanted.find(key);
  if (found == wanted.end()) return std::optional<std::uint32_t>();
  if (!found->is_number_unsigned() || found->get<std::uint64_t>() < begin ||
      found->get<std::uint64_t>() >= end)
    return Error{fmt::format("\"{}\" is a number from {} to {}", key, begin, end - 1)};
  return std::optional(found->get<std::uint32_t>());
}

std::string comment_of(const shard::FrameTap::Record& record, std::size_t core) {
  if (record.is_sent) return fmt::format("core {}: sent", core);
  if (record.fate == Drop::none) return fmt::format("core {}: accepted", core);
  return fmt::format("core {}: dropped, {}: {}", core, name_of(record.fate), help_of(record.fate));
}

/// A core that does not answer may still use it, at any later time.
void keep_for_ever(std::shared_ptr<void> used) {
  static auto& kept = *new std::vector<std::shared_ptr<void>>;
  kept.push_back(std::move(used));
}

}  // namespace

/// What is wanted of a frame.
struct Dump::Filter {
  ~Filter() { pcap_freecode(&program); }
  bpf_program program{};
  std::optional<std::uint32_t> port;

  static bool wants(const void* filter, std::span<const std::byte> frame) noexcept {
    const auto& self = *static_cast<const Filter*>(filter);
    const auto length = static_cast<unsigned>(frame.size());
    return self.program.bf_insns == nullptr ||
           bpf_filter(self.program.bf_insns, reinterpret_cast<const u_char*>(frame.data()), length,
                      length) != 0;
  }
  /// libpcap's words if it is no filter.
  Result<void> compile(const std::string& text) {
    if (text.empty()) return {};
    pcap_t* const dead = pcap_open_dead(DLT_EN10MB, link::kFrameRoom);
    if (dead == nullptr) return Error{"out of memory"};
    Result<void> done;
    if (pcap_compile(dead, &program, text.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0)
      done = Error{fmt::format("the filter \"{}\": {}", text, pcap_geterr(dead))};
    pcap_close(dead);
    return done;
  }
};

Dump::Dump(TappedCores cores)
    : cores_(std::move(cores)),
      filter_(std::make_unique<Filter>()),
      taps_(cores_.cores),
      read_at_(steady_clock::now()) {}

Result<std::unique_ptr<Dump>> Dump::begin(const TappedCores& cores, const Json& wanted) {
  if (!wanted.is_object()) return Error{R"(the body is {"filter": "tcp port 80"}, or {})"};
  const auto core = number_of(wanted, "core", 0, cores.cores);
  if (!core) return core.error();
  const auto port = number_of(wanted, "port", 0, cores.process.ports.size());
  if (!port) return port.error();
  const auto bytes = number_of(wanted, "bytes", kBytesMin, link::kFrameRoom + 1);
  if (!bytes) return bytes.error();
  const Json filter = wanted.value("filter", Json(""));
  if (!filter.is_string()) return Error{R"("filter" is a text)"};
  const std::uint32_t bytes_max = bytes->value_or(link::kFrameRoom);
  std::unique_ptr<Dump> dump(new Dump(cores));
  dump->filter_->port = *port;
  if (const auto good = dump->filter_->compile(filter.get<std::string>()); !good)
    return good.error();
  pcapng::add_section(dump->head_, "mayfly");
  for (const nic::PortSettings& each : cores.process.ports)
    pcapng::add_interface(dump->head_, each.device, bytes_max);
  const std::size_t first = core->value_or(0), last = *core ? first + 1 : cores.cores;
  if (const auto watched = dump->watch_cores(first, last, bytes_max); !watched)
    return watched.error();
  return dump;
}

Result<void> Dump::watch_cores(std::size_t first, std::size_t last, std::uint32_t bytes_max) {
  for (std::size_t core = first; core < last; ++core) {
    taps_[core] =
        std::make_unique<shard::FrameTap>(kRingBytes, bytes_max, &Filter::wants, filter_.get());
    shard::FrameTap* tap = taps_[core].get();
    if (!cores_.watch(core, tap)) return Error{fmt::format("core {} does not answer", core)};
  }
  return {};
}

Dump::~Dump() {
  for (std::size_t core = 0; core < taps_.size(); ++core) {
    if (taps_[core] == nullptr) continue;
    shard::FrameTap* none = nullptr;
    if (cores_.watch(core, none)) continue;
    keep_for_ever(std::move(taps_[core]));
    if (filter_) keep_for_ever(std::move(filter_));
  }
}

std::string Dump::read() {
  read_at_ = steady_clock::now();
  std::string file = std::exchange(head_, "");
  const Instant epoch = nic::time_of_day_zero(cores_.now());
  for (std::size_t core = 0; core < taps_.size(); ++core) {
    if (taps_[core] == nullptr) continue;
    taps_[core]->read([&](const shard::FrameTap::Record& record, std::span<const std::byte> bytes) {
      if (filter_->port && record.port != *filter_->port) return true;
      const std::string comment = comment_of(record, core);
      pcapng::add_packet(file,
                         {.interface = record.port,
                          .at_us = record.at_us - epoch.us,
                          .length = record.length,
                          .is_sent = record.is_sent,
                          .comment = comment},
                         bytes);
      ++frames_;
      return file.size() < kReadMax;
    });
  }
  return file;
}

std::uint64_t Dump::lost() const {
  std::uint64_t lost = 0;
  for (const auto& tap : taps_) lost += tap == nullptr ? 0 : tap->lost();
  return lost;
}

bool Dump::is_abandoned() const { return steady_clock::now() - read_at_ > kAbandonedAfter; }

}  // namespace mayfly::run
