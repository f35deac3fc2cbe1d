// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "crypto/hex.h"
#include "remote/internal/answers.h"
#include "remote/internal/paging.h"
#include "remote/internal/parallel.h"
#include "remote/internal/s3_client.h"
#include "remote/internal/s3_upload.h"
#include "remote/internal/span_reader.h"
#include "remote/s3.h"
#include "sys/files.h"

namespace reprise::remote {

using base::ErrorCode;
using base::fail;
using base::fail_errno;
using std::filesystem::path;

namespace {

// Told by put() of an object, compared by get().
constexpr std::string_view kDigestHeader = "x-amz-meta-sha256";

class S3 final : public ObjectStore {
 public:
  explicit S3(std::unique_ptr<S3Client> client) : client_(std::move(client)) {}
  [[nodiscard]] std::string url() const override { return client_->url(); }
  Result<void> put(const std::string& name, std::string_view contents) override;
  Result<void> put_file(const std::string& name, const path& file,
                        const Progress& progress) override;
  Result<std::string> get(const std::string& name, std::size_t limit) override;
  Result<void> read(const std::string& name, std::uint64_t offset,
                    std::span<std::byte> out) override;
  Result<std::optional<std::uint64_t>> size(const std::string& name) override;
  Result<std::vector<ObjectInfo>> list(const std::string& prefix) override;
  Result<void> remove(const std::string& name) override;
  Result<std::uint64_t> drop_unfinished(const std::string& prefix,
                                        base::UnixMillis before) override {
    return REPRISE_TRY(drop_uploads(*client_, prefix, before),
                       "ending unfinished uploads to '" + url() + "'");
  }

 private:
  Result<void> put_whole(const std::string& name, const http::Body& body);
  Result<void> check_bucket();

  std::unique_ptr<S3Client> client_;
};

Result<void> S3::put_whole(const std::string& name, const http::Body& body) {
  const Digests digests = REPRISE_PASS(digest(body));
  std::string told = std::string(kDigestHeader) + ": " + crypto::to_hex(digests.sha256);
  REPRISE_PASS(client_->call({.method = "PUT",
                              .name = name,
                              .headers = {std::move(told)},
                              .body = body,
                              .digests = digests}));
  return {};
}

Result<void> S3::put(const std::string& name, std::string_view contents) {
  REPRISE_PASS(check_object_name(name));
  REPRISE_TRY(put_whole(name, http::Body(contents)), "writing object '" + name + "'");
  return {};
}

Result<void> S3::put_file(const std::string& name, const path& file, const Progress& progress) {
  REPRISE_PASS(check_object_name(name));
  const sys::UniqueFd fd = REPRISE_PASS(sys::open_file(file, O_RDONLY));
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0)
    return fail_errno(errno, "looking at '" + file.string() + "'");
  const auto bytes = static_cast<std::uint64_t>(status.st_size);
  const std::string step = "writing object '" + name + "'";
  if (bytes > client_->options().part_bytes) {
    REPRISE_TRY(upload_in_parts(*client_, name, fd, bytes, progress), step);
    return {};
  }
  // Before, since one that arrived is there and cannot be given up any more.
  if (progress) REPRISE_PASS(progress(0));
  REPRISE_TRY(put_whole(name, http::Body(fd.get(), 0, bytes)), step);
  return progress ? progress(bytes) : Result<void>();
}

Result<std::string> S3::get(const std::string& name, std::size_t limit) {
  REPRISE_PASS(check_object_name(name));
  http::Response response =
      REPRISE_TRY(client_->call({.name = name, .limit = limit}), "reading object '" + name + "'");
  const auto told = response.headers.find(std::string(kDigestHeader));
  if (told != response.headers.end()) {
    const Digests digests = REPRISE_PASS(digest(http::Body(response.body)));
    if (told->second != crypto::to_hex(digests.sha256))
      return fail(ErrorCode::kCorrupt,
                  "object '" + name + "' in '" + url() + "' is not what was put there");
  }
  return std::move(response.body);
}

Result<void> S3::read(const std::string& name, std::uint64_t offset, std::span<std::byte> out) {
  REPRISE_PASS(check_object_name(name));
  if (out.empty() && !REPRISE_PASS(size(name)))
    return fail(ErrorCode::kNotFound, "there is no object '" + name + "' in '" + url() + "'");
  const auto read_range = [&](std::string range, std::span<std::byte> into,
                              const std::atomic<bool>& stop) {
    return client_->call(
        {.name = name, .headers = {std::move(range)}, .into = into, .stop = &stop});
  };
  REPRISE_TRY(read_span(offset, out, client_->options().parallel, read_range),
              "reading object '" + name + "' in '" + url() + "'");
  return {};
}

// An answer to HEAD has no body, so "no such object" and "no such bucket" look the same.
Result<void> S3::check_bucket() {
  REPRISE_PASS(client_->call({.query = {{"list-type", "2"}, {"max-keys", "1"}}}));
  return {};
}

Result<std::optional<std::uint64_t>> S3::size(const std::string& name) {
  REPRISE_PASS(check_object_name(name));
  const Result<http::Response> head = client_->call({.method = "HEAD", .name = name});
  if (!head && head.error().code() == ErrorCode::kNotFound) {
    REPRISE_PASS(check_bucket());
    return std::nullopt;
  }
  const http::Response response =
      REPRISE_TRY(Result<http::Response>(head), "looking at object '" + name + "'");
  const auto length = response.headers.find("content-length");
  std::optional<std::uint64_t> bytes;
  if (length != response.headers.end()) bytes = number_of(length->second);
  if (!bytes) return fail(ErrorCode::kCorrupt, "'" + url() + "' tells no size of '" + name + "'");
  return bytes;
}

Result<std::vector<ObjectInfo>> S3::list(const std::string& prefix) {
  std::vector<ObjectInfo> found;
  const std::string before = client_->key_of("");
  S3Call ask{.query = {{"list-type", "2"}, {"prefix", before + prefix}}};
  MarksSeen marks;
  for (;;) {
    S3ObjectPage page = REPRISE_TRY(
        client_->call(ask, [&](std::string_view xml) { return parse_object_page(xml, before); }),
        "listing '" + url() + "'");
    std::ranges::move(page.objects, std::back_inserter(found));
    if (!page.next) break;
    if (!marks.add(*page.next))
      return fail(ErrorCode::kCorrupt, "the list of '" + url() + "' does not end");
    ask.query["continuation-token"] = *page.next;
  }
  std::ranges::sort(found, {}, &ObjectInfo::name);
  return found;
}

Result<void> S3::remove(const std::string& name) {
  REPRISE_PASS(check_object_name(name));
  const Result<http::Response> removed = client_->call({.method = "DELETE", .name = name});
  if (removed) return {};
  if (removed.error().code() == ErrorCode::kNotFound) return check_bucket();
  return std::unexpected(base::Error(removed.error()).with_step("removing object '" + name + "'"));
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> open_s3(S3Options options) {
  auto client = REPRISE_PASS(S3Client::open(std::move(options)));
  return std::make_unique<S3>(std::move(client));
}

}  // namespace reprise::remote
