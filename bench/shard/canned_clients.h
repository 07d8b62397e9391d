// Canned clients on the core of the server: whole connections through one Shard, whose cost can be
// measured without another core or a device. For benchmarks.
#pragma once

#include <rte_cycles.h>
#include <rte_eal.h>
#include <sched.h>
#include <x86intrin.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "net/family.h"
#include "service/services.h"
#include "shard/shard.h"
#include "wire/emit.h"
#include "wire/icmp6.h"
#include "wire/parse.h"

namespace mayfly::bench {

struct BenchFrame {
  std::array<std::byte, 256> room;
  std::uint16_t length = 0;
};

/// Frames from a fixed pool; what the client wants to send stands in `in`, what the shard sent in
/// `out`.
class BenchPort {
 public:
  using Frame = BenchFrame*;
  explicit BenchPort(std::size_t frames) : store_(frames) {
    for (BenchFrame& frame : store_) free_.push_back(&frame);
    in.reserve(frames), out.reserve(frames);
  }
  std::size_t receive(std::span<Frame> frames, Instant) noexcept {
    const std::size_t n = std::min(frames.size(), in.size() - next_in);
    std::copy_n(in.begin() + static_cast<std::ptrdiff_t>(next_in), n, frames.begin());
    next_in += n;
    return n;
  }
  std::span<std::byte> bytes(Frame f) noexcept { return {f->room.data(), f->length}; }
  wire::RxChecks rx_checks(Frame) noexcept { return {}; }
  Frame allocate() noexcept {
    const Frame f = free_.back();
    free_.pop_back();
    f->length = static_cast<std::uint16_t>(f->room.size());
    return f;
  }
  void set_length(Frame f, std::size_t n) noexcept { f->length = static_cast<std::uint16_t>(n); }
  void request_checksums(Frame, std::size_t, std::size_t) noexcept {}
  link::TxOffloads tx_offloads() noexcept { return {}; }
  std::size_t transmit(std::span<Frame> frames, Instant) noexcept {
    out.insert(out.end(), frames.begin(), frames.end());
    return frames.size();
  }
  void release(Frame f) noexcept { free_.push_back(f); }

  std::vector<Frame> in, out;
  std::size_t next_in = 0;

 private:
  std::vector<BenchFrame> store_;
  std::vector<Frame> free_;
};
static_assert(link::Port<BenchPort>);

/// What the clients ask.
inline const std::string kRequest =
    "GET / HTTP/1.1\r\nHost: 198.18.0.1\r\nConnection: close\r\n\r\n";
inline const std::string kResponse =
    "HTTP/1.1 200 OK\r\nServer: mayfly\r\nContent-Type: text/plain\r\nContent-Length: "
    "14\r\n\r\nhello, mayfly\n";

/// Bare clients: no TCP option but MSS, and a program that answers any text with the same bytes and
/// closes right away, or when the peer has. Next to nothing but the stack is measured; the series
/// of older measurements.
struct AnswerApp : shard::AppBase {
  static constexpr std::uint8_t kSynOptions = wire::tcp_option::mss;

  explicit AnswerApp(bool server_closes) : close_first(server_closes) {}
  using AppBase::on_drain, AppBase::finished;
  using AppBase::on_poll, AppBase::next_due, AppBase::on_settings, AppBase::stop;
  bool listens(std::uint16_t port) const noexcept { return port == 80; }
  bool close_first;
  template <class C>
  void on_open(C&) noexcept {}
  template <class C>
  std::size_t on_data(C& c, std::span<const std::byte> text) noexcept {
    c.send(std::as_bytes(std::span(kResponse)));
    if (close_first) c.close_both();
    return text.size();
  }
  template <class C>
  void on_sent(C&) noexcept {}
  template <class C>
  void on_peer_closed(C& c) noexcept {
    c.close_both();
  }
  template <class C>
  void on_wake(C&) noexcept {}
  template <class C>
  void on_closed(C&, flow::CloseReason) noexcept {}
};

/// As clients are: timestamps on every segment, SACK and window scale agreed, and the HTTP service
/// of the server, which keeps its timers and writes its date.
struct HttpApp : service::Services {
  static constexpr std::uint8_t kSynOptions =
      wire::tcp_option::mss | wire::tcp_option::sack_permitted | wire::tcp_option::timestamps |
      wire::tcp_option::window_scale;

  explicit HttpApp(bool server_closes) : HttpApp(std::make_unique<Served>(server_closes)) {}

 private:
  struct Served {
    explicit Served(bool server_closes) {
      settings.listen = {{80, service::ServiceKind::http}};
      settings.http.routes = {{.path = "/", .body = "hello, mayfly\n"}};
      settings.close.first = server_closes ? shard::Closer::server : shard::Closer::client;
      site = std::make_unique<service::Site>(std::move(*service::Site::load(settings.http)));
    }
    service::ServerSettings settings;
    std::unique_ptr<service::Site> site;
  };
  explicit HttpApp(std::unique_ptr<Served> served)
      : Services(served->settings, *served->site), served_(std::move(served)) {}

  std::unique_ptr<Served> served_;
};

inline constexpr MacAddress kServerMac{{2, 0, 0, 0, 0, 1}}, kClientMac{{2, 0, 0, 0, 0, 2}};
inline constexpr Ipv4Address kServer{0xc612'0001}, kGateway{0xc612'00fe};

/// In IPv6 each address stands for the one of net/family.h.
enum class Family : std::uint8_t { ipv4, ipv6 };

/// One canned client: where it stands, and what it says next. It only looks at the bits that it
/// needs.
struct Client {
  FlowKey4 key;  // from its own side
  Seq seq, ack;
  std::uint32_t stamp = 0;  // the server's last timestamp
};

/// A server shard, and on the same core canned clients that feed it frames and take its answers:
/// no other core, no device.
template <class App>
class ClientsOf {
 public:
  ClientsOf(const std::string& name, std::size_t in_flight, const flow::TimeWaitPolicy& policy,
            bool server_closes, std::uint32_t connections = 65'536, Family family = Family::ipv4)
      : is_ipv6_(family == Family::ipv6),
        port_(in_flight * 8 + 4'096),
        app_(server_closes),
        clients_(in_flight),
        server_closes_(server_closes) {
    shard::ShardConfig config;
    config.name = name;
    config.sizes = {.connections = connections,
                    .time_wait = policy.capacity,
                    .chunks = 16,
                    .receive_buffers = 16};
    config.secret = {1, 2};
    link::Interface interface;
    interface.mac = kServerMac;
    interface.addresses = {{kServer, kServer, 24}};
    interface.gateway = kGateway;
    if (is_ipv6_) {
      interface.addresses6 = {{net::six_of(kServer), net::six_of(kServer), 120}};
      interface.gateway6 = net::six_of(kGateway);
      interface.detects_duplicates = false;
    }
    config.interfaces = {interface};
    settings_.time_wait = policy;
    BenchPort* const ports[] = {&port_};
    shard_ = std::move(*shard::Shard<BenchPort, App>::create(config, ports, app_, settings_, now_));
    teach_gateway();
  }

  /// Opens and closes one connection with each client. Returns the cycles spent in the shard.
  std::uint64_t round() {
    std::uint64_t cycles = send_syns();
    for (Client& c : clients_) {
      put(c, wire::tcp_flag::ack | wire::tcp_flag::psh, std::as_bytes(std::span(kRequest)));
      c.seq += static_cast<std::uint32_t>(kRequest.size());
    }
    cycles += serve();
    const std::uint32_t answer = read_answer_size();
    for (Client& c : clients_) {
      c.ack += answer + (server_closes_ ? 1u : 0u);
      put(c, wire::tcp_flag::fin | wire::tcp_flag::ack, {});
      c.seq += 1;
    }
    cycles += serve();
    drop_answers();
    if (server_closes_) return cycles;
    for (Client& c : clients_) {
      c.ack += 1;
      put(c, wire::tcp_flag::ack, {});
    }
    cycles += serve();
    drop_answers();
    return cycles;
  }
  /// Opens one connection with each client, and leaves it open.
  void open_to_stay() {
    send_syns();
    for (Client& c : clients_) put(c, wire::tcp_flag::ack, {});
    serve();
    drop_answers();
  }
  std::uint64_t open() const { return shard_->open_connections(); }
  std::uint64_t closed() const {
    std::uint64_t sum = 0;
    for (const Counter& one : stats().closed) sum += one.get();
    return sum;
  }
  std::size_t in_flight() const { return clients_.size(); }
  const flow::ShardStats& stats() const { return shard_->stats(); }
  std::uint64_t time_waits() const { return shard_->time_wait_entries(); }

  /// Of simulated time.
  Instant now() const { return now_; }
  /// From now on time passes in idle() only.
  void stop_clock() { poll_time_ = {}; }
  /// Time goes by without a frame; the cycles of the one poll that follows.
  std::uint64_t idle(Duration span) {
    now_ = now_ + span;
    const std::uint64_t start = __rdtsc();
    shard_->poll(now_);
    return __rdtsc() - start;
  }

 private:
  static constexpr std::uint64_t kClients = 4'096;  // addresses, of 60,000 ports each

  /// Each client's SYN and its answer.
  std::uint64_t send_syns() {
    if (now_ - taught_ > 10_s) teach_gateway();
    for (Client& c : clients_) {
      c.key = next_key();
      c.seq = Seq{static_cast<std::uint32_t>(serial_) * 7919};
      c.stamp = 0;
      put(c, wire::tcp_flag::syn, {});
      c.seq += 1;
    }
    const std::uint64_t cycles = serve();
    read_answers();
    return cycles;
  }

  FlowKey4 next_key() {
    ++serial_;
    return FlowKey4::of({0xc612'0100 + static_cast<std::uint32_t>(serial_ / 60'000 % kClients)},
                        static_cast<std::uint16_t>(1'024 + serial_ % 60'000), kServer, 80);
  }

  void put(const Client& c, std::uint8_t flags, std::span<const std::byte> text) {
    Emission e;
    e.seq = c.seq;
    e.ack = (flags & wire::tcp_flag::ack) != 0 ? c.ack : Seq{};
    e.window = 65'535;
    e.flags = flags;
    if ((flags & wire::tcp_flag::syn) != 0) {
      e.mss = 1460;
      e.window_scale = 7;
      e.options = App::kSynOptions;
    } else {
      e.options = App::kSynOptions & wire::tcp_option::timestamps;
    }
    if ((e.options & wire::tcp_option::timestamps) != 0) e.ts = {now_.ts_ms(), c.stamp};
    e.payload_len = static_cast<std::uint32_t>(text.size());
    const wire::LinkHeader link{kServerMac, kClientMac, 0};
    BenchFrame* f = port_.allocate();
    const std::size_t at = is_ipv6_ ? tcp6_payload_offset(link, e) : tcp_payload_offset(link, e);
    std::copy(text.begin(), text.end(), f->room.begin() + static_cast<std::ptrdiff_t>(at));
    const auto frame = std::span(f->room).first(at + text.size());
    constexpr auto kSoftware = wire::ChecksumBy::software;
    port_.set_length(f, is_ipv6_ ? emit_tcp6(frame, link, net::six_of(c.key), e, kSoftware)
                                 : emit_tcp(frame, link, c.key, e, 0, kSoftware, kSoftware));
    port_.in.push_back(f);
  }

  /// A function of its own: what is measured of the shard is what happens in here.
  [[gnu::noinline]] std::uint64_t serve() {
    const std::uint64_t start = __rdtsc();
    while (port_.next_in < port_.in.size() || shard_->stats().syn_backlog.get() > 0) {
      now_ = now_ + poll_time_;
      shard_->poll(now_);
    }
    const std::uint64_t spent = __rdtsc() - start;
    port_.in.clear();
    port_.next_in = 0;
    return spent;
  }

  Segment read(BenchFrame* frame) {
    return wire::parse_frame(port_.bytes(frame), {.mac = kClientMac, .ipv6 = is_ipv6_}, {}).segment;
  }
  void read_answers() {
    MAYFLY_ASSERT(port_.out.size() == clients_.size());
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      const Segment s = read(port_.out[i]);
      clients_[i].ack = s.seq + 1;
      clients_[i].stamp = s.ts.val;
    }
    drop_answers();
  }
  /// Bytes of text in the answers, which are all of one segment and of one length.
  std::uint32_t read_answer_size() {
    MAYFLY_ASSERT(port_.out.size() == clients_.size());
    const Segment s = read(port_.out.front());
    MAYFLY_ASSERT(s.payload_len > 0 && s.has(wire::tcp_flag::fin) == server_closes_);
    drop_answers();
    return s.payload_len;
  }
  void drop_answers() {
    for (BenchFrame* f : port_.out) port_.release(f);
    port_.out.clear();
  }

  /// All clients are behind it: one neighbour, however many addresses.
  void teach_gateway() {
    taught_ = now_;
    BenchFrame* f = port_.allocate();
    if (is_ipv6_) {
      const wire::Neighbour asks{net::six_of(kGateway), net::six_of(kServer), net::six_of(kServer),
                                 kClientMac};
      port_.set_length(f, emit_neighbour(f->room, {kServerMac, kClientMac, 0}, asks));
    } else {
      const wire::ArpPacket asks{
          wire::ArpPacket::Operation::request, kClientMac, {}, kGateway, kServer};
      port_.set_length(f, emit_arp(f->room, {wire::kBroadcastMac, kClientMac, 0}, asks));
    }
    port_.in.push_back(f);
    serve();
    drop_answers();
  }

  Instant now_{1'000'000};
  Instant taught_;  // before the neighbour cache asks again
  Duration poll_time_ = 20_us;
  shard::ShardSettings settings_;
  const bool is_ipv6_;
  BenchPort port_;
  App app_;
  std::unique_ptr<shard::Shard<BenchPort, App>> shard_;
  std::vector<Client> clients_;
  bool server_closes_;
  std::uint64_t serial_ = 0;
};

using CannedClients = ClientsOf<AnswerApp>;

/// The i-th argument as a number.
inline std::uint64_t number(int argc, char** argv, int i, std::uint64_t otherwise) {
  return argc > i ? std::strtoull(argv[i], nullptr, 10) : otherwise;
}

/// The flow tables are rte_hash's, which wants an EAL. Programs on other cores may have one of
/// their own meanwhile.
inline bool start_eal(const char* megabytes) {
  const std::string prefix = "--file-prefix=bench" + std::to_string(sched_getcpu());
  const char* eal[] = {"bench",    "--no-huge",      "-m",          megabytes, prefix.c_str(),
                       "--no-pci", "--no-telemetry", "--log-level", "1"};
  return rte_eal_init(std::size(eal), const_cast<char**>(eal)) >= 0;
}

}  // namespace mayfly::bench
