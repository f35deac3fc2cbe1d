// SPDX-License-Identifier: Apache-2.0
#include "image/criu_flight.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "criu_sockets.pb.h"
#include "image/internal/criu_file.h"

namespace reprise::image {

using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

constexpr std::uint32_t kDescriptorsMagic = 0x56213732;
constexpr std::uint32_t kQueuesMagic = 0x56264026;
constexpr std::string_view kQueues = "the list of unread messages";

using FileId = std::uint32_t;

template <typename Message>
Result<Message> parse(std::string_view bytes, std::string_view what) {
  Message message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return damaged(what);
  return message;
}

// Who is in a process's hands, or in a message that is made ready.
using Reached = std::set<FileId>;

Result<Reached> reached_by_processes(std::span<const std::string> lists) {
  constexpr std::string_view kWhat = "a list of descriptors";
  Reached reached;
  for (const std::string& list : lists) {
    const CriuMessages found =
        REPRISE_PASS(all_messages(list, kCriuImageMagic, kDescriptorsMagic, kWhat));
    for (const std::string_view bytes : found.messages)
      reached.insert(REPRISE_PASS(parse<criu::Descriptor>(bytes, kWhat)).id());
  }
  return reached;
}

Result<std::vector<criu::UnixSocket>> unix_sockets(std::string_view file) {
  constexpr std::string_view kWhat = "the list of open files";
  const CriuMessages found = REPRISE_PASS(all_messages(file, kCriuImageMagic, kFilesMagic, kWhat));
  std::vector<criu::UnixSocket> sockets;
  for (const std::string_view bytes : found.messages) {
    const criu::OpenFile open = REPRISE_PASS(parse<criu::OpenFile>(bytes, kWhat));
    if (open.has_usk()) sockets.push_back(open.usk());
  }
  return sockets;
}

// By which socket CRIU sends what another one is to find in its queue.
struct Senders {
  std::map<FileId, FileId> of;
  std::set<FileId> peers;  // those that have another end
};

// As criu/sk-unix.c, try_resolve_unix_peer: a socket finds those before it in the list.
Senders senders_among(const std::vector<criu::UnixSocket>& sockets) {
  Senders senders;
  std::map<std::uint32_t, const criu::UnixSocket*> by_inode;
  const auto connect = [&](const criu::UnixSocket& from, const criu::UnixSocket& to) {
    senders.of.emplace(to.id(), from.id());
    senders.peers.insert(from.id());
  };
  for (const criu::UnixSocket& socket : sockets) {
    if (socket.peer() != 0 && !senders.peers.contains(socket.id())) {
      const auto found = by_inode.find(socket.peer());
      if (socket.peer() == socket.ino()) {
        connect(socket, socket);
      } else if (found != by_inode.end()) {
        connect(socket, *found->second);
        if (found->second->peer() == socket.ino()) connect(*found->second, socket);
      }
    }
    by_inode.insert_or_assign(socket.ino(), &socket);
  }
  return senders;
}

// Those to which CRIU gives another end of its own, in the hands of who has them
// (add_fake_unix_queuers). kUnsupported if nobody has one.
Result<std::set<FileId>> mended_ends(const std::vector<criu::UnixSocket>& sockets,
                                     const Senders& senders, const Reached& reached) {
  constexpr std::uint32_t kElsewhere = 1U | 4U;  // of another container, or of a plugin
  constexpr std::uint32_t kEstablished = 1;
  constexpr std::uint32_t kDatagrams = 2;
  std::set<FileId> mended;
  for (const criu::UnixSocket& socket : sockets) {
    const bool half = socket.state() == kEstablished && !senders.peers.contains(socket.id());
    if ((socket.uflags() & kElsewhere) != 0 || senders.of.contains(socket.id()) ||
        (!half && socket.type() != kDatagrams))
      continue;
    if (!reached.contains(socket.id()))
      return fail(ErrorCode::kUnsupported,
                  "a UNIX socket that is not connected, or whose other end is closed, is on its "
                  "way in a message (SCM_RIGHTS) that nobody has received");
    mended.insert(socket.id());
  }
  return mended;
}

struct Message {
  FileId receiver = 0;
  std::vector<FileId> files;
  std::string_view bytes;  // with its size in front and its contents behind
};

Result<std::vector<Message>> messages_of(std::string_view file) {
  std::string_view rest = REPRISE_PASS(after_magics(file, kCriuImageMagic, kQueuesMagic, kQueues));
  std::vector<Message> messages;
  while (!rest.empty()) {
    const std::string_view begin = rest;
    const auto size = take_u32(rest);
    if (!size || *size > rest.size() || *size > std::numeric_limits<int>::max())
      return damaged(kQueues);
    const auto packet = REPRISE_PASS(parse<criu::Packet>(rest.substr(0, *size), kQueues));
    rest.remove_prefix(*size);
    if (packet.length() > rest.size()) return damaged(kQueues);
    rest.remove_prefix(packet.length());
    Message message{.receiver = packet.id_for(),
                    .files = {},
                    .bytes = begin.substr(0, begin.size() - rest.size())};
    for (const criu::Rights& rights : packet.scm())
      message.files.insert(message.files.end(), rights.files().begin(), rights.files().end());
    messages.push_back(std::move(message));
  }
  return messages;
}

// One round over what is left: appends what can be made ready, takes it off, and tells what is
// reached then.
void take_ready(std::vector<Message>& left, const Senders& senders, const std::set<FileId>& mended,
                Reached& reached, std::string& result) {
  std::set<FileId> waiting;  // a message of theirs came before
  std::erase_if(left, [&](const Message& message) {
    const auto sender = senders.of.find(message.receiver);
    const bool ready = message.files.empty() || mended.contains(message.receiver) ||
                       (sender != senders.of.end() && reached.contains(sender->second));
    if (!ready || waiting.contains(message.receiver)) {
      waiting.insert(message.receiver);
      return false;
    }
    reached.insert(message.files.begin(), message.files.end());
    result += message.bytes;
    return true;
  });
}

}  // namespace

Result<std::string> order_messages(std::string_view files, std::span<const std::string> descriptors,
                                   std::string_view queues) {
  std::vector<Message> left = REPRISE_PASS(messages_of(queues));
  if (std::ranges::all_of(left, [](const Message& one) { return one.files.empty(); }))
    return std::string(queues);
  Reached reached = REPRISE_PASS(reached_by_processes(descriptors));
  const std::vector<criu::UnixSocket> sockets = REPRISE_PASS(unix_sockets(files));
  const Senders senders = senders_among(sockets);
  const std::set<FileId> mended = REPRISE_PASS(mended_ends(sockets, senders, reached));
  std::size_t head = queues.size();
  for (const Message& message : left) head -= message.bytes.size();
  std::string result(queues.substr(0, head));
  while (!left.empty()) {
    const std::size_t before = left.size();
    take_ready(left, senders, mended, reached, result);
    if (left.size() == before)
      return fail(ErrorCode::kUnsupported,
                  "a UNIX socket is on its way in a message (SCM_RIGHTS) that itself sent what "
                  "nobody has received");
  }
  return result;
}

}  // namespace reprise::image
