#include "nic/unix_socket.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mayfly::nic {
namespace {

constexpr int kKind = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;
constexpr std::size_t kFilesMax = 4;  // memif sends one with a message

void keep_files(msghdr& header, std::vector<Fd>& files) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    std::array<int, kFilesMax> numbers{};
    const std::size_t bytes = std::min(part->cmsg_len - CMSG_LEN(0), sizeof numbers);
    std::memcpy(numbers.data(), CMSG_DATA(part), bytes);
    for (std::size_t i = 0; i < bytes / sizeof(int); ++i) files.emplace_back(numbers[i]);
  }
}

}  // namespace

Result<UnixAddress> UnixAddress::of(const std::string& name, bool is_abstract) {
  UnixAddress address;
  address.socket.sun_family = AF_UNIX;
  const std::size_t before = is_abstract ? 1 : 0;  // an abstract name begins with a zero
  if (name.empty() || before + name.size() >= sizeof address.socket.sun_path) {
    return Error{fmt::format("{}: a socket's name has 1 to {} bytes", name,
                             sizeof address.socket.sun_path - 2)};
  }
  std::memcpy(address.socket.sun_path + before, name.data(), name.size());
  // All bytes of an abstract name count: memif leaves the closing zero out.
  address.size = static_cast<socklen_t>(
      is_abstract ? offsetof(sockaddr_un, sun_path) + 1 + name.size() : sizeof address.socket);
  return address;
}

Result<Fd> listen_at(const UnixAddress& address, const std::string& name) {
  constexpr int kWaiting = 8;
  Fd listener(socket(AF_UNIX, kKind, 0));
  if (bind(listener.get(), address.get(), address.size) != 0 ||
      listen(listener.get(), kWaiting) != 0) {
    return Error{fmt::format("socket {}: {}", name, std::strerror(errno))};
  }
  return listener;
}

Fd connect_to(const UnixAddress& address) {
  Fd fd(socket(AF_UNIX, kKind, 0));
  if (connect(fd.get(), address.get(), address.size) != 0) return {};
  return fd;
}

Fd accept_from(const Fd& listener) {
  return Fd(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

Arrival receive(const Fd& from, Message& message) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kFilesMax * sizeof(int))> control{};
  iovec text{message.bytes.data(), message.bytes.size()};
  msghdr header{};
  header.msg_iov = &text;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  message.files.clear();
  const ssize_t size = recvmsg(from.get(), &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return Arrival::nothing;
  if (size <= 0) return Arrival::end;
  message.size = static_cast<std::size_t>(size);
  keep_files(header, message.files);
  return Arrival::message;
}

bool send(const Fd& to, const Message& message) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kFilesMax * sizeof(int))> control{};
  std::array<int, kFilesMax> numbers{};
  const std::size_t files = std::min(message.files.size(), kFilesMax);
  for (std::size_t i = 0; i < files; ++i) numbers[i] = message.files[i].get();
  iovec text{const_cast<std::byte*>(message.bytes.data()), message.size};
  msghdr header{};
  header.msg_iov = &text;
  header.msg_iovlen = 1;
  if (files > 0) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(files * sizeof(int));
    cmsghdr* part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(files * sizeof(int));
    std::memcpy(CMSG_DATA(part), numbers.data(), files * sizeof(int));
  }
  return sendmsg(to.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT) ==
         static_cast<ssize_t>(message.size);
}

}  // namespace mayfly::nic
