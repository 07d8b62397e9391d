#include "world/book.h"

#include <fmt/format.h>

#include <algorithm>

#include "wire/print.h"

namespace mayfly {
namespace {

/// Room enough that two incarnations seldom share a stretch of it.
constexpr std::size_t kTextBytes = std::size_t{1} << 20;
constexpr std::size_t kTextMax = kTextBytes / 4;

const char* words_of(Parting parting) {
  switch (parting) {
    case Parting::client_first: return "the client closes first";
    case Parting::server_first: return "the server closes first";
    case Parting::half_close: return "the client closes and reads on";
    case Parting::both_at_once: return "both close at once";
    case Parting::client_aborts: return "the client aborts";
    case Parting::server_aborts: break;
  }
  return "the server aborts";
}

}  // namespace

Book::Book(std::uint64_t seed, const Traffic& traffic, bool aborts)
    : random_(seed),
      traffic_(traffic),
      aborts_(aborts),
      to_open_(traffic.connections),
      text_(kTextBytes) {
  random_.fill(text_);
  incarnations_.reserve(traffic.connections);
}

std::uint32_t Book::add_tuple(const SimTuple& tuple) {
  const auto index = static_cast<std::uint32_t>(tuples_.size());
  tuples_.push_back(tuple);
  const FlowKey4& key = tuple.key;
  by_place_[place_of(key.local(), key.local_port_host(), key.remote())] = index;
  return index;
}

SimIncarnation& Book::begin(std::uint32_t tuple, Instant now) {
  constexpr std::uint32_t kOrderly = 4;
  SimTuple& t = tuples_[tuple];
  SimIncarnation i;
  i.tuple = tuple;
  i.previous = t.latest;
  i.request = 1 + static_cast<std::uint32_t>(random_.below(traffic_.request_max));
  i.answer = 1 + static_cast<std::uint32_t>(random_.below(traffic_.answer_max));
  i.parting = static_cast<Parting>(random_.below(aborts_ ? kPartings : kOrderly));
  i.promised = now >= t.clean_from;
  i.began = now;
  t.latest = static_cast<std::uint32_t>(incarnations_.size());
  incarnations_.push_back(i);
  --to_open_;
  return incarnations_.back();
}

void Book::cancel() {
  SimTuple& t = tuples_[incarnations_.back().tuple];
  t.latest = incarnations_.back().previous;
  incarnations_.pop_back();
  ++to_open_;
}

std::uint32_t Book::find(Ipv4Address client, std::uint16_t port, Ipv4Address server,
                         Seq irs) const {
  const auto found = by_place_.find(place_of(client, port, server));
  if (found == by_place_.end()) return kNoIndex;
  std::uint32_t index = tuples_[found->second].latest;
  while (index != kNoIndex && incarnations_[index].iss != irs)
    index = incarnations_[index].previous;
  return index;
}

std::span<const std::byte> Book::text_of(const SimIncarnation& i, bool from_client) const {
  const std::size_t length = from_client ? i.request : i.answer;
  Prng place(std::uint64_t{index_of(i)} << 1 | (from_client ? 1 : 0));
  return std::span(text_).subspan(place.below(kTextBytes - kTextMax), length);
}

void Book::end(SimIncarnation& i, SimEnd& view, Instant now) {
  view.ended = true;
  view.ended_at = now;
  if (view.opened) --open_ends_;
  if (!view.ended_well()) tuples_[i.tuple].clean_from = now + kSimMsl * 2;
}

std::string describe(const Book& book, const SimIncarnation& i) {
  const FlowKey4& key = book.tuple(i.tuple).key;
  return fmt::format("connection {} of {}:{} > {}:{} ({}/{} octets, {})", book.index_of(i),
                     to_string(key.local()), key.local_port_host(), to_string(key.remote()),
                     key.remote_port_host(), i.request, i.answer, words_of(i.parting));
}

}  // namespace mayfly
