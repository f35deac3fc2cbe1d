// SPDX-License-Identifier: Apache-2.0
#include "image/criu_file_sizes.h"

#include "criu_sockets.pb.h"
#include "image/internal/criu_file.h"

namespace reprise::image {

using base::Result;

Result<std::optional<std::string>> forget_sizes(std::string_view file,
                                                const std::set<std::string>& files) {
  constexpr std::string_view kWhat = "a list of open files";
  const CriuMessages image = REPRISE_PASS(all_messages(file, kCriuImageMagic, kFilesMagic, kWhat));
  std::string edited(image.head);
  bool changed = false;
  for (const std::string_view message : image.messages) {
    criu::OpenFile open;
    if (!open.ParseFromArray(message.data(), static_cast<int>(message.size())))
      return damaged(kWhat);
    const bool mends = open.has_reg() && open.reg().has_size() && files.contains(open.reg().name());
    if (mends) open.mutable_reg()->clear_size();
    append_message(edited, mends ? open.SerializeAsString() : std::string(message));
    changed |= mends;
  }
  if (!changed) return std::nullopt;
  return edited;
}

}  // namespace reprise::image
