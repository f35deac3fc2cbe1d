// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>

#include "json/writer.h"
#include "remote/peer.h"
#include "sys/beneath.h"
#include "sys/files.h"

namespace reprise::remote {

using base::Error;
using base::ErrorCode;
using base::fail;
using std::filesystem::path;

namespace {

constexpr std::array<std::string_view, 3> kServed{"checkpoints", "keys", "packs"};
constexpr std::string_view kNotes = "notes/";
constexpr std::string_view kObjects = "/v1/objects";

enum Status : int { kForbidden = 403, kMissing = 404, kNoMethod = 405, kFailed = 500 };

bool is_served(const std::string& name) {
  if (!check_object_name(name)) return false;
  return std::ranges::any_of(kServed, [&](std::string_view directory) {
    return name.starts_with(directory) && name.substr(directory.size()).starts_with('/');
  });
}

http::Answer status_of(const Error& error) {
  return {.status = error.code() == ErrorCode::kNotFound ? kMissing : kFailed};
}

// The peer's protocol (docs/remotes.md): what is asked of a store, answered.
class StoreAnswers {
 public:
  explicit StoreAnswers(const ServeOptions& options)
      : store_(options.store), make_note_(options.make_note), readers_(options.readers) {}

  [[nodiscard]] http::Answer answer(const http::Question& question) const;

 private:
  [[nodiscard]] http::Answer object(const path& store, const std::string& name) const;
  [[nodiscard]] http::Answer note(const std::string& name) const;
  [[nodiscard]] http::Answer list(const std::string& prefix) const;

  path store_;
  std::function<Result<std::string>(const std::string& name)> make_note_;
  std::optional<Readers> readers_;
};

http::Answer StoreAnswers::answer(const http::Question& question) const {
  if (question.method != "GET" && question.method != "HEAD") return {.status = kNoMethod};
  if (question.path == kObjects)
    return readers_ ? http::Answer{.status = kForbidden} : list(question.parameter("prefix"));
  if (!question.path.starts_with(std::string(kObjects) + "/")) return {.status = kMissing};
  const std::string name = question.path.substr(kObjects.size() + 1);
  if (readers_ && !(check_object_name(name) && readers_->may_read(question.token, name)))
    return {.status = kForbidden};
  const bool is_elsewhere = readers_ && readers_->place_of;
  return object(is_elsewhere ? readers_->place_of(question.token, name) : store_, name);
}

http::Answer StoreAnswers::object(const path& store, const std::string& name) const {
  if (name.starts_with(kNotes) && check_object_name(name)) return note(name);
  if (!is_served(name)) return {.status = kMissing};
  auto opened = sys::open_beneath(store, name, O_RDONLY | O_NONBLOCK);
  if (!opened) {
    const int number = opened.error().error_number();
    return {.status = number == ENOENT || number == ENOTDIR ? kMissing : kFailed};
  }
  const auto file = std::make_shared<const sys::UniqueFd>(std::move(*opened));
  struct stat status{};
  if (::fstat(file->get(), &status) != 0) return {.status = kFailed};
  if (!S_ISREG(status.st_mode)) return {.status = kMissing};
  return {.body = http::Pieces{.bytes = static_cast<std::uint64_t>(status.st_size),
                               .read = [file](std::uint64_t offset, std::span<std::byte> out) {
                                 return sys::read_at(file->get(), offset, out);
                               }}};
}

http::Answer StoreAnswers::note(const std::string& name) const {
  if (!make_note_) return {.status = kMissing};
  Result<std::string> made = make_note_(name);
  if (!made) return status_of(made.error());
  return {.body = std::move(*made)};
}

http::Answer StoreAnswers::list(const std::string& prefix) const {
  auto objects = nlohmann::json::array();
  const auto store = open_directory(store_);
  for (const std::string_view directory : kServed) {
    const auto listed = store->list(std::string(directory) + "/");
    if (!listed) return {.status = kFailed};
    for (const ObjectInfo& object : *listed) {
      // Links are not followed when they are asked for.
      std::error_code gone;
      if (std::filesystem::is_symlink(store_ / object.name, gone)) continue;
      if (object.name.starts_with(prefix))
        objects.push_back({{"name", object.name}, {"bytes", object.bytes}});
    }
  }
  return {.type = "application/json",
          .body = json_writer::print(nlohmann::json{{"objects", std::move(objects)}})};
}

}  // namespace

Result<std::unique_ptr<http::Server>> serve_objects(ServeOptions options) {
  if (options.ca_file.empty() && options.token.empty() && !options.readers)
    return std::unexpected(
        Error(ErrorCode::kInvalidInput, "anybody could read '" + options.store.string() + "'")
            .with_hint("name the authority of those who may (--ca), or a token (--token-file)"));
  std::error_code missing;
  if (!std::filesystem::is_directory(options.store, missing))
    return fail(ErrorCode::kNotFound, "there is no store '" + options.store.string() + "'");
  return http::start_server({.host = options.host,
                             .port = options.port,
                             .cert_file = options.cert_file,
                             .key_file = options.key_file,
                             .own = options.own,
                             .ca_file = options.ca_file,
                             .token = options.token,
                             .admits = options.readers ? options.readers->knows : nullptr,
                             .limits = options.limits},
                            [answers = StoreAnswers(options)](const http::Question& question) {
                              return answers.answer(question);
                            });
}

}  // namespace reprise::remote
