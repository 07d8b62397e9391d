#include "replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <new>
#include <optional>
#include <stdexcept>

#include "config/read.h"
#include "nic/device.h"
#include "service/services.h"
#include "shard/shard.h"
#include "timed_port.h"

namespace mayfly::testing {
namespace {

using nic::Device;

/// Fixed, so that initial sequence numbers are; script.py computes them with it.
constexpr tcp::Secret kSecret{0x0123'4567'89ab'cdef, 0xfedc'ba98'7654'3210};
constexpr Instant kStart{1'000'000};
/// ARP and other periodic work have no deadline in Shard::next_due().
constexpr Duration kHeartbeat = Duration::from_ms(1);

/// The server's services, and an active open where a scenario asks for one.
class GoldenApp : public service::Services {
 public:
  GoldenApp(const config::ServeSettings& settings, const service::Site& site,
            std::optional<ActiveOpen> open)
      : Services(settings, site), open_(open) {}

  template <class S>
  void on_poll(S& shard, Instant now) noexcept {
    if (now < next_due()) return;
    flow::AppState state;
    ::new (&state) service::ServiceState{};  // on_closed wants one even if on_open never comes
    shard.connect(open_->key, state);
    open_.reset();
  }
  Instant next_due() const noexcept { return open_ ? kStart + open_->at : Instant::never(); }

 private:
  std::optional<ActiveOpen> open_;
};
using GoldenShard = shard::Shard<TimedPort, GoldenApp>;

config::ServeSettings settings_of(const Scenario& scenario) {
  const auto loaded =
      config::read_serve_settings(MAYFLY_GOLDEN_FOLDER "/serve.yaml", scenario.sets);
  if (!loaded.settings) throw std::runtime_error(to_string(loaded.errors.front()));
  return *loaded.settings;
}

/// A device that receives what is in one file and writes what it sends to another.
Device open_device(nic::PortSettings settings, const std::filesystem::path& receives,
                   const std::filesystem::path& sends) {
  static int devices = 0;
  settings.device =
      fmt::format("net_pcap{},rx_pcap={},tx_pcap={}", devices++, receives.string(), sends.string());
  settings.descriptors = 64;
  auto device = Device::open(settings, {.frames_held = 256});
  if (!device) throw std::runtime_error(device.error().what);
  return *std::move(device);
}

shard::ShardConfig config_of(const config::ServeSettings& settings, const Device& device) {
  static int shards = 0;
  shard::ShardConfig config;
  config.name = fmt::format("golden{}", shards++);
  config.sizes = settings.sizes();
  config.secret = kSecret;
  config.pages = HugePages::never;
  config.interfaces = {{settings.process.ports.front(), device.mac()}};
  return config;
}

/// Turns the clock to whatever comes next, until nothing has come for the scenario's run.
void run(GoldenShard& shard, const TimedPort& port, Duration after_last) {
  Instant now = kStart;
  for (Instant end = now + after_last; now <= end;) {
    shard.poll(now);
    const Instant arrival = port.next_due();
    if (!arrival.is_never()) end = arrival + after_last;
    const Instant next = std::min({arrival, shard.next_due(), now + kHeartbeat});
    now = std::max(next, now + 1_us);
  }
}

}  // namespace

Replayed replay(const Scenario& scenario, const std::filesystem::path& sent_to) {
  const config::ServeSettings settings = settings_of(scenario);
  const auto site = service::Site::load(settings.http);
  if (!site) throw std::runtime_error(site.error().what);
  GoldenApp app(settings, *site, scenario.open);
  const Device device = open_device(settings.process.ports.front(), scenario.capture, sent_to);

  Replayed replayed;
  Transcript transcript;
  TimedPort port(device.port(0),
                 [&](Transcript::Way way, std::span<const std::byte> frame, Instant now) {
                   transcript.note(now, way, frame);
                   if (way == Transcript::Way::out)
                     replayed.sent.emplace_back(frame.begin(), frame.end());
                 });
  TimedPort* const ports[] = {&port};
  auto shard = GoldenShard::create(config_of(settings, device), ports, app, settings.shard, kStart);
  if (!shard) throw std::runtime_error(shard.error().what);
  run(**shard, port, scenario.run);
  replayed.text = transcript.text() + '\n' + counter_lines((*shard)->stats());
  return replayed;
}

std::vector<Bytes> read_capture(const std::filesystem::path& capture) {
  const Device device = open_device({}, capture, "/dev/null");
  nic::DpdkPort port = device.port(0);
  std::vector<Bytes> read;
  std::array<nic::DpdkPort::Frame, kBurstMax> frames;
  while (const std::size_t n = port.receive(frames, {})) {
    for (const auto frame : std::span(frames).first(n)) {
      read.emplace_back(port.bytes(frame).begin(), port.bytes(frame).end());
      port.release(frame);
    }
  }
  return read;
}

}  // namespace mayfly::testing
