#include "world/book.h"

#include <fmt/format.h>

#include <algorithm>

#include "wire/print.h"

namespace mayfly::world {
namespace {

/// Room enough that two incarnations seldom share a stretch of it.
constexpr std::size_t kTextBytes = std::size_t{1} << 20;
/// An exchange is at most this part of it.
constexpr std::size_t kTextPart = 4;

/// Octets that the largest exchange sends in one direction.
std::size_t largest_text(std::span<const Traffic> traffics) {
  std::uint32_t largest = 0;
  for (const Traffic& traffic : traffics)
    largest = std::max({largest, traffic.request_max, traffic.answer_max, traffic.chatter_max});
  return largest;
}

std::uint32_t draw(Prng& random, std::uint32_t least, std::uint32_t most) {
  MAYFLY_ASSERT(0 < least && least <= most);
  return least + static_cast<std::uint32_t>(random.below(most - least + 1));
}

const char* words_of(Parting parting) {
  switch (parting) {
    case Parting::client_first: return "the client closes first";
    case Parting::server_first: return "the server closes first";
    case Parting::half_close: return "the client closes and reads on";
    case Parting::both_at_once: return "both close at once";
    case Parting::client_aborts: return "the client aborts";
    case Parting::server_aborts: return "the server aborts";
    case Parting::client_resets: return "the client resets at the end";
    case Parting::server_resets: break;
  }
  return "the server resets at the end";
}

}  // namespace

Book::Book(std::uint64_t seed, std::span<const Traffic> traffics, bool aborts)
    : random_(seed),
      traffics_(traffics.begin(), traffics.end()),
      partings_(aborts ? kPartingsWithAborts : kPartingsOrderly),
      text_(std::max(kTextBytes, largest_text(traffics) * kTextPart)),
      places_(text_.size() - text_.size() / kTextPart) {
  random_.fill(text_);
  for (const Traffic& traffic : traffics) {
    to_open_.push_back(traffic.connections);
    to_open_in_all_ += traffic.connections;
  }
  incarnations_.reserve(to_open_in_all_);
}

std::uint32_t Book::add_tuple(const FourTuple& tuple) {
  MAYFLY_ASSERT(tuple.traffic < traffics_.size());
  const auto index = static_cast<std::uint32_t>(tuples_.size());
  tuples_.push_back(tuple);
  const FlowKey4& key = tuple.key;
  const bool is_new =
      by_place_.try_emplace(place_of(key.local(), key.local_port_host(), key.remote()), index)
          .second;
  MAYFLY_ASSERT(is_new);
  return index;
}

Incarnation& Book::begin(std::uint32_t tuple, Instant now) {
  MAYFLY_ASSERT(tuple < tuples_.size());
  FourTuple& t = tuples_[tuple];
  const Traffic& traffic = traffics_[t.traffic];
  MAYFLY_ASSERT(to_open_[t.traffic] > 0);
  Incarnation i;
  i.tuple = tuple;
  i.previous = t.latest;
  i.request = draw(random_, traffic.request_min, traffic.request_max);
  i.answer = draw(random_, traffic.answer_min, traffic.answer_max);
  i.parting = traffic.parting ? *traffic.parting : static_cast<Parting>(random_.below(partings_));
  if (traffic.chatter_max > 0) i.chatter = draw(random_, 1, traffic.chatter_max);
  i.promised = now >= t.clean_from;
  i.began = now;
  t.latest = static_cast<std::uint32_t>(incarnations_.size());
  incarnations_.push_back(i);
  --to_open_[t.traffic];
  --to_open_in_all_;
  return incarnations_.back();
}

void Book::cancel() {
  MAYFLY_ASSERT(!incarnations_.empty() && !incarnations_.back().client.opened);
  FourTuple& t = tuples_[incarnations_.back().tuple];
  t.latest = incarnations_.back().previous;
  incarnations_.pop_back();
  ++to_open_[t.traffic];
  ++to_open_in_all_;
}

void Book::open_more(std::uint32_t connections) {
  to_open_.front() += connections;
  to_open_in_all_ += connections;
}

void Book::open_no_more() {
  std::ranges::fill(to_open_, 0u);
  to_open_in_all_ = 0;
}

std::uint32_t Book::latest(Ipv4Address client, std::uint16_t port, Ipv4Address server) const {
  const auto found = by_place_.find(place_of(client, port, server));
  return found == by_place_.end() ? kNoIndex : tuples_[found->second].latest;
}

std::uint32_t Book::find(Ipv4Address client, std::uint16_t port, Ipv4Address server,
                         Seq irs) const {
  std::uint32_t index = latest(client, port, server);
  while (index != kNoIndex && incarnations_[index].iss != irs)
    index = incarnations_[index].previous;
  return index;
}

std::span<const std::byte> Book::text_of(const Incarnation& i, bool from_client) const {
  const std::size_t length = from_client ? i.request : i.answer;
  Prng place(std::uint64_t{index_of(i)} << 1 | (from_client ? 1 : 0));
  return std::span(text_).subspan(place.below(places_), length);
}

void Book::end(Incarnation& i, EndView& view, Instant now) {
  MAYFLY_ASSERT(!view.ended && (&view == &i.client || &view == &i.server));
  view.ended = true;
  view.ended_at = now;
  if (view.opened) {
    MAYFLY_ASSERT(open_ends_ > 0);
    --open_ends_;
  }
  if (!view.ended_well()) tuples_[i.tuple].clean_from = now + kSimMsl * 2;
}

void Book::note(const Anomaly& anomaly) {
  using What = Anomaly::What;
  MAYFLY_ASSERT((anomaly.incarnation == kNoIndex) == (anomaly.what == What::unknown));
  if (anomaly.what == What::foreign_text || anomaly.what == What::early_fin)
    ++(*this)[anomaly.incarnation].foreign;
  anomalies_.push_back(anomaly);
}

std::string describe(const Book& book, const Incarnation& i) {
  const FlowKey4& key = book.tuple(i.tuple).key;
  return fmt::format("connection {} of {}:{} > {}:{} ({}/{} octets, {})", book.index_of(i),
                     to_string(key.local()), key.local_port_host(), to_string(key.remote()),
                     key.remote_port_host(), i.request, i.answer, words_of(i.parting));
}

}  // namespace mayfly::world
