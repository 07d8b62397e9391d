// A tiny key-value server, a line a command:
//
//   SET key value   ->  OK, or FULL
//   GET key         ->  VALUE value, or NONE
//
// A line that is neither is answered with ERROR, one of more than 256 bytes with a reset. Each core
// has a store of its own. Nothing is allocated once the server runs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "shard/app.h"

namespace example {

/// Open addressing over a fixed array.
class Store {
 public:
  static constexpr std::size_t kKeyMax = 32, kValueMax = 128;

  /// `room`: entries, a power of two.
  explicit Store(std::size_t room) : entries_(room) {}

  /// False: there is no room, or one of them is too long.
  bool set(std::string_view key, std::string_view value) noexcept {
    if (key.empty() || key.size() > kKeyMax || value.size() > kValueMax) return false;
    Entry* entry = find(key);
    if (entry == nullptr) return false;
    copy(key, entry->key, entry->key_length);
    copy(value, entry->value, entry->value_length);
    return true;
  }
  /// The value, valid until the next set(); nothing's data() is null.
  std::string_view get(std::string_view key) noexcept {
    const Entry* entry = find(key);
    if (entry == nullptr || entry->key_length == 0) return {};
    return {entry->value.data(), entry->value_length};
  }

 private:
  struct Entry {
    std::array<char, kKeyMax> key;
    std::array<char, kValueMax> value;
    std::uint8_t key_length = 0, value_length = 0;  // no key: the entry is free
  };

  template <std::size_t N>
  static void copy(std::string_view from, std::array<char, N>& to, std::uint8_t& length) noexcept {
    std::memcpy(to.data(), from.data(), from.size());
    length = static_cast<std::uint8_t>(from.size());
  }

  // The key's entry, or the free one where it belongs; null if there is neither.
  Entry* find(std::string_view key) noexcept {
    const std::size_t mask = entries_.size() - 1;
    std::size_t at = std::hash<std::string_view>()(key) & mask;
    for (std::size_t i = 0; i <= mask; ++i, at = (at + 1) & mask) {
      Entry& entry = entries_[at];
      if (entry.key_length == 0 || std::string_view(entry.key.data(), entry.key_length) == key)
        return &entry;
    }
    return nullptr;
  }

  std::vector<Entry> entries_;
};

class KeyValueApp : public mayfly::shard::AppBase {
 public:
  /// `connections`: how many may be open at once.
  KeyValueApp(std::uint16_t port, std::uint32_t connections, std::size_t entries)
      : port_(port), lines_(connections), store_(entries) {}

  bool listens(std::uint16_t port) const noexcept { return port == port_; }
  void on_open(mayfly::flow::Conn& c) noexcept { lines_[c.index()].length = 0; }
  std::size_t on_data(mayfly::flow::Conn& c, std::span<const std::byte> text) noexcept {
    Line& line = lines_[c.index()];
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (c.unsent() > kUnreadMax || c.aborted()) return i;  // the rest comes again
      if (text[i] == std::byte{'\n'}) {
        answer(c, {line.bytes.data(), line.length});
        line.length = 0;
      } else if (line.length < line.bytes.size()) {
        line.bytes[line.length++] = static_cast<char>(text[i]);
      } else {
        c.abort();
      }
    }
    return text.size();
  }
  void on_sent(mayfly::flow::Conn&) noexcept {}
  void on_peer_closed(mayfly::flow::Conn& c) noexcept { c.close(); }
  void on_wake(mayfly::flow::Conn&) noexcept {}
  void on_closed(mayfly::flow::Conn&, mayfly::flow::CloseReason) noexcept {}

  using AppBase::finished, AppBase::next_due, AppBase::on_drain;
  using AppBase::on_poll, AppBase::on_settings, AppBase::stop;

 private:
  static constexpr std::size_t kUnreadMax = 16'384;
  struct Line {
    std::array<char, 256> bytes;
    std::size_t length = 0;
  };

  void answer(mayfly::flow::Conn& c, std::string_view line) noexcept {
    const std::string_view command = line.substr(0, 4);
    const std::string_view rest = line.substr(command.size());
    const std::size_t space = rest.find(' ');
    if (command == "SET " && space != std::string_view::npos) {
      const bool stored = store_.set(rest.substr(0, space), rest.substr(space + 1));
      say(c, stored ? "OK\n" : "FULL\n");
    } else if (command == "GET ") {
      const std::string_view value = store_.get(rest);
      if (value.data() == nullptr) return say(c, "NONE\n");
      say(c, "VALUE ");
      say(c, value);
      say(c, "\n");
    } else {
      say(c, "ERROR\n");
    }
  }

  // The stack keeps a copy; without room for it the client would miss an answer.
  static void say(mayfly::flow::Conn& c, std::string_view words) noexcept {
    if (c.send_copy(std::as_bytes(std::span(words))) < words.size()) c.abort();
  }

  std::uint16_t port_;
  std::vector<Line> lines_;
  Store store_;
};

}  // namespace example
