// SPDX-License-Identifier: Apache-2.0
#include "remote/internal/s3_upload.h"

#include <openssl/evp.h>

#include <algorithm>
#include <mutex>
#include <pugixml.hpp>
#include <sstream>
#include <utility>

#include "crypto/hex.h"
#include "remote/internal/answers.h"
#include "remote/internal/paging.h"
#include "remote/internal/parallel.h"

namespace reprise::remote {

using base::ErrorCode;
using base::fail;

std::uint64_t part_size(std::uint64_t bytes, std::uint64_t wanted) {
  constexpr std::uint64_t kMostParts = 10'000;  // S3's rule
  constexpr std::uint64_t kStep = std::uint64_t{1} << 20;
  const std::uint64_t least = (bytes + kMostParts - 1) / kMostParts;
  return std::max(wanted, (least + kStep - 1) / kStep * kStep);
}

namespace {

std::string unquoted(std::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"')
    etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

Result<void> abort_upload(S3Client& client, const std::string& name, const std::string& id) {
  const Result<http::Response> aborted =
      client.call({.method = "DELETE", .name = name, .query = {{"uploadId", id}}});
  // Somebody else may have ended it meanwhile.
  if (!aborted && aborted.error().code() != ErrorCode::kGone &&
      aborted.error().code() != ErrorCode::kNotFound)
    return std::unexpected(aborted.error());
  return {};
}

class Upload {
 public:
  Upload(S3Client& client, const std::string& name, const sys::UniqueFd& file, std::uint64_t bytes,
         const Progress& progress)
      : client_(client),
        name_(name),
        file_(file),
        bytes_(bytes),
        part_bytes_(part_size(bytes, client.options().part_bytes)),
        etags_((bytes + part_bytes_ - 1) / part_bytes_),
        progress_(progress) {}

  Result<void> run();

 private:
  [[nodiscard]] http::Body part(std::size_t index) const {
    const std::uint64_t offset = index * part_bytes_;
    return {file_.get(), offset, std::min(part_bytes_, bytes_ - offset)};
  }
  Result<std::vector<std::string>> unfinished();
  Result<bool> take_up(const std::string& id);
  Result<bool> take_parts(const std::vector<S3Part>& parts);
  Result<void> begin();
  Result<void> send(std::size_t index);
  Result<void> note(std::size_t index, std::string etag);
  Result<void> complete();
  Result<void> check_whole();
  [[nodiscard]] std::string manifest() const;

  S3Client& client_;
  const std::string& name_;
  const sys::UniqueFd& file_;
  std::uint64_t bytes_;
  std::uint64_t part_bytes_;
  std::vector<std::string> etags_;  // of the parts that are there; empty for the others
  const Progress& progress_;
  std::string id_;
  std::mutex lock_;
  std::uint64_t done_ = 0;
  std::atomic<bool> stop_ = false;
};

Result<std::vector<std::string>> Upload::unfinished() {
  // The first page is enough: uploads are listed by name, and none comes before its own prefix.
  const std::string key = client_.key_of(name_);
  const S3Call ask{.query = {{"prefix", key}, {"uploads", ""}}};
  const S3UploadPage page = REPRISE_PASS(client_.call(ask, parse_upload_page));
  std::vector<std::string> ids;
  for (const S3Upload& upload : page.uploads)
    if (key == upload.key) ids.push_back(upload.id);
  return ids;
}

// False if a part is not one of the file's.
Result<bool> Upload::take_parts(const std::vector<S3Part>& parts) {
  for (const S3Part& there : parts) {
    const std::uint64_t index = there.number - 1;
    if (index >= etags_.size()) return false;
    const http::Body body = part(index);
    if (there.bytes != body.bytes()) return false;
    const Digests digests = REPRISE_PASS(digest(body));
    if (unquoted(there.etag) != crypto::to_hex(digests.md5)) return false;
    etags_[index] = there.etag;
    if (stop_) return fail(ErrorCode::kGone, "the transfer was given up");
  }
  return true;
}

// Whether the upload `id` is one of this file; then its parts are noted.
Result<bool> Upload::take_up(const std::string& id) {
  S3Call ask{.name = name_, .query = {{"uploadId", id}}};
  PartMarks marks;
  for (;;) {
    const S3PartPage page = REPRISE_PASS(client_.call(ask, parse_part_page));
    if (!REPRISE_PASS(take_parts(page.parts))) {
      std::ranges::fill(etags_, std::string());
      return false;
    }
    if (!page.next) return true;
    if (!marks.add(*page.next))
      return fail(ErrorCode::kCorrupt, "the list of parts of '" + name_ + "' does not end");
    ask.query["part-number-marker"] = *page.next;
  }
}

// Goes on with an upload that is there, or makes one.
Result<void> Upload::begin() {
  for (const std::string& id : REPRISE_PASS(unfinished())) {
    const Result<bool> ours = id_.empty() ? take_up(id) : false;
    if (!ours && ours.error().code() == ErrorCode::kGone) continue;
    if (REPRISE_PASS(Result<bool>(ours)))
      id_ = id;
    else
      REPRISE_PASS(abort_upload(client_, name_, id));
  }
  if (!id_.empty()) return {};
  const S3Call ask{.method = "POST",
                   .name = name_,
                   .query = {{"uploads", ""}},
                   .body = http::Body(std::string_view())};
  id_ = REPRISE_PASS(client_.call(ask, parse_upload_id));
  if (id_.empty())
    return fail(ErrorCode::kCorrupt, "'" + client_.url() + "' begins an upload without an id");
  return {};
}

Result<void> Upload::note(std::size_t index, std::string etag) {
  const std::scoped_lock hold(lock_);
  etags_[index] = std::move(etag);
  done_ += part(index).bytes();
  return progress_ ? progress_(done_) : Result<void>();
}

Result<void> Upload::send(std::size_t index) {
  if (!etags_[index].empty()) return note(index, etags_[index]);
  const http::Body body = part(index);
  S3Call call{
      .method = "PUT",
      .name = name_,
      .query = {{"partNumber", std::to_string(index + 1)}, {"uploadId", id_}},
      .body = body,
      .stop = &stop_,
  };
  const http::Response answer = REPRISE_PASS(client_.call(call));
  const auto etag = answer.headers.find("etag");
  if (etag == answer.headers.end())
    return fail(ErrorCode::kCorrupt, "'" + client_.url() + "' confirms a part without an ETag");
  return note(index, etag->second);
}

std::string Upload::manifest() const {
  pugi::xml_document document;
  pugi::xml_node root = document.append_child("CompleteMultipartUpload");
  for (std::size_t index = 0; index < etags_.size(); ++index) {
    pugi::xml_node entry = root.append_child("Part");
    entry.append_child("PartNumber").text() = static_cast<unsigned long long>(index + 1);
    entry.append_child("ETag").text() = etags_[index].c_str();
  }
  std::ostringstream text;
  document.save(text, "", pugi::format_raw);
  return text.str();
}

Result<void> Upload::complete() {
  const std::string text = manifest();
  // Some servers put the parts together only now, and say nothing until they have.
  constexpr int kSlower = 10;
  const Result<http::Response> done =
      client_.call({.method = "POST",
                    .name = name_,
                    .query = {{"uploadId", id_}},
                    .headers = {"Content-Type: application/xml"},
                    .body = http::Body(text),
                    .stall = client_.options().patience.stall * kSlower});
  // Gone: it was done before, and the answer was lost; or somebody else sent the same. Whether the
  // object is there, whole, is what counts.
  if (!done && done.error().code() != ErrorCode::kGone) return std::unexpected(done.error());
  const Result<void> whole = check_whole();
  return done || whole ? whole : Result<void>(std::unexpected(done.error()));
}

Result<void> Upload::check_whole() {
  const http::Response head = REPRISE_PASS(client_.call({.method = "HEAD", .name = name_}));
  const auto length = head.headers.find("content-length");
  if (length != head.headers.end() && number_of(length->second) == bytes_) return {};
  return fail(ErrorCode::kCorrupt, "object '" + name_ + "' in '" + client_.url() +
                                       "' has another size than what was sent");
}

Result<void> Upload::run() {
  REPRISE_PASS(begin());
  REPRISE_PASS(for_each(etags_.size(), client_.options().parallel, stop_,
                        [this](std::size_t index) { return send(index); }));
  return complete();
}

}  // namespace

Result<void> upload_in_parts(S3Client& client, const std::string& name, const sys::UniqueFd& file,
                             std::uint64_t bytes, const Progress& progress) {
  return Upload(client, name, file, bytes, progress).run();
}

Result<std::uint64_t> drop_uploads(S3Client& client, const std::string& prefix,
                                   base::UnixMillis before) {
  const std::string below = client.key_of("");
  S3Call ask{.query = {{"prefix", below + prefix}, {"uploads", ""}}};
  std::vector<std::pair<std::string, std::string>> old;  // names and ids
  UploadMarks marks;
  for (;;) {
    const S3UploadPage page = REPRISE_PASS(client.call(ask, parse_upload_page));
    for (const S3Upload& upload : page.uploads) {
      if (!upload.key.starts_with(below + prefix) || !upload.begun || *upload.begun >= before)
        continue;
      const std::string name = upload.key.substr(below.size());
      if (check_object_name(name)) old.emplace_back(name, upload.id);
    }
    if (!page.next) break;
    if (!marks.add(*page.next))
      return fail(ErrorCode::kCorrupt, "the list of uploads does not end");
    ask.query["key-marker"] = page.next->key;
    ask.query["upload-id-marker"] = page.next->id;
  }
  for (const auto& [name, id] : old) REPRISE_PASS(abort_upload(client, name, id));
  return old.size();
}

}  // namespace reprise::remote
