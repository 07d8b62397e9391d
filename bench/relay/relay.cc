// A faulty wire between two network devices: what arrives on one leaves on the other, later, twice,
// out of order or not at all. It changes no octet, so real stacks can be compared behind it.
//
//   relay DEVICE DEVICE [key=value ...]
//
//   delay, jitter      ms: every frame waits for delay to delay + jitter
//   loss, duplicate    % of the frames, each way
//   reorder, late      % of the frames wait `late` ms more
//   burst, length      % of the frames begin a burst in which `length` frames in a row are lost, as
//                      far as they come within 10 ms
//   tail               % of the answers (frames with text and PSH or FIN) are lost when seen first
//   seed
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Bytes = std::vector<unsigned char>;

class Faults {
 public:
  Faults(int argc, char** argv) {
    for (int i = 3; i < argc; ++i) {
      const std::string word = argv[i];
      const auto at = word.find('=');
      if (at != std::string::npos) value_[word.substr(0, at)] = std::atof(word.c_str() + at + 1);
    }
    prng_.seed(static_cast<std::uint64_t>(value_["seed"]));
  }

  bool drops(int side, const Bytes& frame) {
    const auto now = Clock::now();
    if (burst_left_[side] > 0 && now < burst_ends_[side]) return --burst_left_[side], true;
    if (chance("burst")) {
      burst_left_[side] = static_cast<int>(value_["length"]) - 1;
      burst_ends_[side] = now + std::chrono::milliseconds(10);
      return true;
    }
    if (chance("loss")) return true;
    return value_["tail"] > 0 && is_new_tail(frame) && chance("tail");
  }
  bool repeats() { return chance("duplicate"); }
  Clock::duration wait() {
    double ms = value_["delay"];
    if (value_["jitter"] > 0) ms += value_["jitter"] * unit_(prng_);
    if (chance("reorder")) ms += value_["late"];
    return std::chrono::microseconds(static_cast<std::int64_t>(ms * 1'000));
  }

 private:
  bool chance(const char* key) {
    const double percent = value_[key];
    return percent > 0 && unit_(prng_) * 100 < percent;
  }
  // IPv4 and TCP without looking further: the last segment of an answer, seen for the first time.
  bool is_new_tail(const Bytes& f) {
    if (f.size() < 54 || f[12] != 8 || f[13] != 0 || f[23] != 6) return false;
    const std::size_t ip = 14, tcp = ip + (f[ip] & 15u) * 4, text = tcp + (f[tcp + 12] >> 4) * 4u;
    const std::size_t end = ip + (f[ip + 2] << 8 | f[ip + 3]);
    const bool from_server = (f[tcp] << 8 | f[tcp + 1]) == 80;
    if (!from_server || end <= text || (f[tcp + 13] & 9) == 0) return false;
    Bytes name(f.begin() + static_cast<long>(tcp), f.begin() + static_cast<long>(tcp) + 4);
    return seen_.insert(name).second;
  }

  std::map<std::string, double> value_;
  std::mt19937_64 prng_;
  std::uniform_real_distribution<double> unit_{0, 1};
  std::array<int, 2> burst_left_{};
  std::array<Clock::time_point, 2> burst_ends_{};
  std::set<Bytes> seen_;
};

int open_device(const char* name) {
  const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(if_nametoindex(name));
  packet_mreq all{address.sll_ifindex, PACKET_MR_PROMISC, 0, {}};
  const int room = 32 << 20;
  if (fd < 0 || address.sll_ifindex == 0 ||
      bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) != 0 ||
      setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0 ||
      setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room) != 0) {
    std::perror(name);
    std::exit(1);
  }
  return fd;
}

struct Flying {
  int to;
  Bytes frame;
};

void receive(int side, int fd, Faults& faults, std::multimap<Clock::time_point, Flying>& wire) {
  std::array<unsigned char, 65'536> room;
  sockaddr_ll from{};
  for (;;) {
    socklen_t size = sizeof from;
    const ssize_t n =
        recvfrom(fd, room.data(), room.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (n <= 0) return;
    if (from.sll_pkttype == PACKET_OUTGOING) continue;
    const Bytes frame(room.begin(), room.begin() + n);
    if (n > 14 && room[12] == 8 && room[13] == 6) {  // ARP is not what is compared
      wire.emplace(Clock::now(), Flying{1 - side, frame});
      continue;
    }
    if (faults.drops(side, frame)) continue;
    wire.emplace(Clock::now() + faults.wait(), Flying{1 - side, frame});
    if (faults.repeats()) wire.emplace(Clock::now() + faults.wait(), Flying{1 - side, frame});
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  Faults faults(argc, argv);
  const std::array<int, 2> fds{open_device(argv[1]), open_device(argv[2])};
  std::multimap<Clock::time_point, Flying> wire;  // equal times stay in order
  std::puts("ready");
  std::fflush(stdout);
  for (;;) {
    timespec wait{1, 0};
    if (!wire.empty()) {
      const auto left = std::max<Clock::duration>(wire.begin()->first - Clock::now(), {});
      wait = {0, std::min<long>(999'999'999, std::chrono::nanoseconds(left).count())};
    }
    std::array<pollfd, 2> polled{pollfd{fds[0], POLLIN, 0}, pollfd{fds[1], POLLIN, 0}};
    ppoll(polled.data(), polled.size(), &wait, nullptr);
    for (int side = 0; side < 2; ++side) receive(side, fds[side], faults, wire);
    while (!wire.empty() && wire.begin()->first <= Clock::now()) {
      const Flying& f = wire.begin()->second;
      if (send(fds[f.to], f.frame.data(), f.frame.size(), 0) < 0) std::perror("send");
      wire.erase(wire.begin());
    }
    if (getppid() == 1) return 0;
  }
}
