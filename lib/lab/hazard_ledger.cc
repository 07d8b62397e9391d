#include "lab/hazard_ledger.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace mayfly {
namespace {

constexpr std::size_t kWord = sizeof(std::uint64_t);

/// Both FINs were exchanged and only our own was not yet acknowledged: LAST_ACK or CLOSING. The RST
/// says that nobody held the TIME_WAIT that the FIN sent again was for.
bool is_reset_in_last_ack(const EndView& view) noexcept {
  return view.reason == CloseReason::reset && view.peer_closed && view.closed;
}

/// Ended by an RST that no end meant for it, or by one that was meant but came before the text.
bool is_killed(const EndView& view, const EndView& peer, std::uint32_t text) noexcept {
  if (view.reason == CloseReason::refused) return true;  // somebody listens
  if (view.reason != CloseReason::reset || is_reset_in_last_ack(view)) return false;
  if (peer.gave_up) return false;  // that harm is counted where it began
  return !peer.aborted || view.received < text;
}

/// Never agreed again: one end waited for what did not come, or TCP gave up for it.
bool is_desynchronised(const EndView& view) noexcept {
  return view.opened && (view.gave_up || view.reason == CloseReason::timed_out ||
                         view.reason == CloseReason::fin_wait_2);
}

bool ended_well(const EndView& view, const EndView& peer, std::uint32_t text) noexcept {
  if (!view.opened || !view.ended || view.gave_up || view.received != text) return false;
  switch (view.reason) {
    case CloseReason::done:
    case CloseReason::time_wait: return true;
    case CloseReason::aborted: return view.aborted;
    case CloseReason::reset: return peer.aborted;
    default: return false;
  }
}

void judge(const Incarnation& i, LedgerRow& row) noexcept {
  ++row.connections;
  row.old_data += i.old_data;
  const bool timed_out = i.client.gave_up || i.client.reason == CloseReason::timed_out;
  if (!i.client.opened && timed_out) {
    row.blackholed += i.syn_arrived && !i.answered;
    return;
  }
  if (is_reset_in_last_ack(i.client) || is_reset_in_last_ack(i.server)) {
    ++row.reset_in_last_ack;
  } else if (is_killed(i.client, i.server, i.answer) || is_killed(i.server, i.client, i.request)) {
    ++row.killed;
  } else if (is_desynchronised(i.client) || is_desynchronised(i.server)) {
    ++row.desynchronised;
  } else if (i.old_data == 0 && ended_well(i.client, i.server, i.answer) &&
             ended_well(i.server, i.client, i.request)) {
    ++row.completed;
  }
}

}  // namespace

bool is_text_of(std::uint64_t tag, std::uint64_t offset, std::span<const std::byte> text) noexcept {
  const std::uint64_t word = std::rotr(tag, static_cast<int>(offset % kWord * 8));
  std::size_t at = 0;
  for (; at + kWord <= text.size(); at += kWord)
    if (std::memcmp(&text[at], &word, kWord) != 0) return false;
  return at == text.size() || std::memcmp(&text[at], &word, text.size() - at) == 0;
}

void write_text_of(std::uint64_t tag, std::span<std::byte> text) noexcept {
  for (std::size_t at = 0; at < text.size(); at += kWord)
    std::memcpy(&text[at], &tag, std::min(kWord, text.size() - at));
}

std::uint32_t HazardLedger::begin(std::uint32_t request, std::uint32_t answer) {
  const auto index = static_cast<std::uint32_t>(all_.size());
  all_.push_back({.tag = tags_.next(), .request = request, .answer = answer});
  by_tag_[all_.back().tag] = index;
  return index;
}

std::uint32_t HazardLedger::find(std::uint64_t tag) const noexcept {
  const auto found = by_tag_.find(tag);
  return found == by_tag_.end() ? kNoIndex : found->second;
}

void HazardLedger::add_to(LedgerRow& row) const noexcept {
  for (const Incarnation& incarnation : all_) judge(incarnation, row);
  row.old_data += strangers_;
  row.desynchronised += ghosts_;
}

}  // namespace mayfly
