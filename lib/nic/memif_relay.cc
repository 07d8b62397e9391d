#include "nic/memif_relay.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace mayfly::nic {
namespace {

constexpr int kRetryMs = 100;
constexpr useconds_t kUpPollUs = 500;
constexpr int kUpPolls = 2'000;  // 1 s: the driver has one message to handle meanwhile

// The control channel's messages, in the host's byte order: a type, then what belongs to it.
enum class Type : std::uint16_t { init = 3, connect = 6, connected = 7 };
constexpr std::size_t kInitIdAt = 4;  // after the type and the version

template <class T>
T field(const Message& message, std::size_t at) {
  T value{};
  if (at + sizeof value <= message.size) std::memcpy(&value, &message.bytes[at], sizeof value);
  return value;
}

bool is_a(const Message& message, Type type) {
  return field<std::uint16_t>(message, 0) == static_cast<std::uint16_t>(type);
}

}  // namespace

MemifRelay::MemifRelay(Source source)
    : source_(std::move(source)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "memif-relay");
}

MemifRelay::~MemifRelay() {
  is_ending_ = true;
  eventfd_write(wake_.get(), 1);
  thread_.join();
  for (Channel& channel : channels_) end(channel);
}

void MemifRelay::add(Device device) {
  {
    const std::lock_guard guard(mutex_);
    devices_.push_back(std::move(device));
  }
  eventfd_write(wake_.get(), 1);
}

void MemifRelay::remove(const Gate& gate) {
  const std::lock_guard guard(mutex_);
  channels_.remove_if([&](Channel& channel) {
    const Device* device = device_of(channel);
    if (device == nullptr || device->gate != &gate) return false;
    end(channel);
    return true;
  });
  std::erase_if(devices_, [&](const Device& device) { return device.gate == &gate; });
}

void MemifRelay::run() {
  while (!is_ending_) {
    wait();
    const std::lock_guard guard(mutex_);
    take_new();
    channels_.remove_if([this](Channel& channel) {
      if (serve(channel)) return false;
      end(channel);
      return true;
    });
  }
}

/// Until there is something to do. Nothing is concluded from what became readable: another thread
/// may have closed it since.
void MemifRelay::wait() {
  std::vector<pollfd> fds{{wake_.get(), POLLIN, 0}};
  int timeout_ms = -1;
  {
    const std::lock_guard guard(mutex_);
    const bool takes_more = channels_.size() < source_.pairs_max;
    if (takes_more && source_.listener.is_open()) {
      fds.push_back({source_.listener.get(), POLLIN, 0});
    } else if (takes_more && !devices_.empty()) {
      timeout_ms = kRetryMs;
    }
    for (const Channel& channel : channels_) {
      fds.push_back({channel.pair.driver.get(), POLLIN, 0});
      if (!channel.awaits_driver) fds.push_back({channel.pair.peer.get(), POLLIN, 0});
    }
  }
  poll(fds.data(), fds.size(), timeout_ms);
  eventfd_t times = 0;
  eventfd_read(wake_.get(), &times);
}

void MemifRelay::take_new() {
  if (devices_.empty() || channels_.size() >= source_.pairs_max) return;
  if (auto pair = source_.next(source_.listener)) channels_.push_back({std::move(*pair)});
}

MemifRelay::Device* MemifRelay::device_of(const Channel& channel) {
  if (!channel.id) return nullptr;
  const auto found = std::ranges::find(devices_, *channel.id, &Device::id);
  return found != devices_.end() ? &*found : nullptr;
}

bool MemifRelay::serve(Channel& channel) {
  Message message;
  for (;;) {
    const Arrival said = receive(channel.pair.driver, message);
    if (said == Arrival::end) return false;
    if (said == Arrival::nothing) break;
    if (!pass_on(channel, message, channel.pair.peer)) return false;
  }
  while (!channel.awaits_driver) {
    const Arrival said = receive(channel.pair.peer, message);
    if (said == Arrival::nothing) break;
    // Once connected, a peer has nothing more to say than that it leaves.
    if (said == Arrival::end || channel.is_connected) return false;
    // Whatever it says after this the driver is not to hear: it might end what it has just begun.
    channel.awaits_driver = is_a(message, Type::connect);
    if (!pass_on(channel, message, channel.pair.driver)) return false;
  }
  return true;
}

bool MemifRelay::pass_on(Channel& channel, const Message& message, const Fd& to) {
  if (is_a(message, Type::init)) channel.id = field<std::uint32_t>(message, kInitIdAt);
  return send(to, message) && (!is_a(message, Type::connected) || connect(channel));
}

/// The last message of the handshake has been passed on: either the driver wrote it, and is ready,
/// or it is about to read it.
bool MemifRelay::connect(Channel& channel) {
  const Device* device = device_of(channel);
  if (device == nullptr) return false;
  for (int i = 0; i < kUpPolls && !device->is_up(); ++i) usleep(kUpPollUs);
  if (!device->is_up()) return false;
  device->gate->open();
  channel.is_connected = true;
  channel.awaits_driver = false;
  return true;
}

void MemifRelay::end(Channel& channel) {
  if (channel.is_connected) {
    device_of(channel)->gate->close();
    shutdown(channel.pair.driver.get(), SHUT_WR);
    await_driver(channel.pair.driver);
  }
  channel.pair.driver.close();
  channel.pair.peer.close();
}

/// The driver closes its end when it has unmapped everything.
void MemifRelay::await_driver(const Fd& driver) {
  Message rest;
  for (;;) {
    pollfd fd{driver.get(), POLLIN, 0};
    poll(&fd, 1, -1);
    if (receive(driver, rest) == Arrival::end) return;
  }
}

}  // namespace mayfly::nic
