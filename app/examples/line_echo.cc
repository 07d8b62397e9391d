// Echo by the line: what a client sends comes back when its line is complete.
#include <array>
#include <memory>
#include <vector>

#include "run/program.h"

namespace {

using mayfly::flow::Conn;

class LineEcho : public mayfly::shard::AppBase {
 public:
  explicit LineEcho(std::uint32_t connections) : lines_(connections) {}

  bool listens(std::uint16_t port) const noexcept { return port == 7; }
  void on_open(Conn& c) noexcept { lines_[c.index()].length = 0; }
  std::size_t on_data(Conn& c, std::span<const std::byte> text) noexcept {
    Line& line = lines_[c.index()];
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (c.unsent() > kUnreadMax) return i;  // the rest comes again when the client has read
      if (line.length == line.bytes.size()) c.abort();  // a line too long
      if (c.aborted()) return i;
      line.bytes[line.length++] = text[i];
      if (text[i] == std::byte{'\n'}) send(c, line);
    }
    return text.size();
  }
  void on_sent(Conn&) noexcept {}
  void on_peer_closed(Conn& c) noexcept { c.close(); }
  void on_wake(Conn&) noexcept {}
  void on_closed(Conn&, mayfly::flow::CloseReason) noexcept {}

  using AppBase::finished, AppBase::next_due, AppBase::on_drain;
  using AppBase::on_poll, AppBase::on_settings, AppBase::stop;

 private:
  static constexpr std::size_t kUnreadMax = 16'384;
  struct Line {
    std::array<std::byte, 256> bytes;
    std::size_t length = 0;
  };

  static void send(Conn& c, Line& line) noexcept {
    const auto whole = std::span(line.bytes).first(line.length);
    if (c.send_copy(whole) < whole.size()) c.abort();  // the core has no room for it
    line.length = 0;
  }

  std::vector<Line> lines_;
};

}  // namespace

int main(int argc, char** argv) {
  return mayfly::run::run_program<LineEcho>(
      argc, argv, [](const mayfly::config::ProgramSettings& settings) {
        return std::make_unique<LineEcho>(settings.connections.capacity);
      });
}
