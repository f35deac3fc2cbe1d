// SPDX-License-Identifier: Apache-2.0
//
// libFuzzer: what lies and is said elsewhere: S3's XML, a peer's list, announcements and headers
// beside the objects, the documents of an OCI image. The first byte says which it is.
#include <array>
#include <map>

#include "exchange/oci_image.h"
#include "input.h"
#include "remote/internal/answers.h"
#include "transfer/internal/notices.h"
#include "transfer/internal/remote_keys.h"

namespace {

using namespace reprise;          // NOLINT(google-build-using-namespace): one file, one subject
using namespace reprise::remote;  // NOLINT(google-build-using-namespace)

void all_named(const std::vector<ObjectInfo>& objects) {
  for (const ObjectInfo& object : objects)
    fuzz::require(check_object_name(object.name).has_value(), "a listed name leads nowhere else");
}

void answer_of_s3(const std::string& text) {
  (void)s3_error_code(text);
  if (const auto page = parse_object_page(text, "depot/")) all_named(page->objects);
  (void)parse_upload_page(text);
  (void)parse_part_page(text);
  (void)parse_upload_id(text);
}

void answer_of_peer(const std::string& text) {
  const auto list = parse_peer_list(text, "packs/");
  if (!list) return;
  all_named(*list);
  for (const ObjectInfo& object : *list)
    fuzz::require(object.name.starts_with("packs/"), "and is one that was asked for");
}

// Keeps objects for as long as one input is looked at.
class Place final : public ObjectStore {
 public:
  [[nodiscard]] std::string url() const override { return "place"; }
  Result<void> put(const std::string& name, std::string_view contents) override {
    objects_[name] = contents;
    return {};
  }
  Result<void> put_file(const std::string&, const std::filesystem::path&,
                        const Progress&) override {
    return base::fail(base::ErrorCode::kUnsupported, "no files here");
  }
  Result<std::string> get(const std::string& name, std::size_t) override {
    return objects_.at(name);
  }
  Result<void> read(const std::string&, std::uint64_t, std::span<std::byte>) override { return {}; }
  Result<std::optional<std::uint64_t>> size(const std::string&) override { return std::nullopt; }
  Result<std::vector<ObjectInfo>> list(const std::string& prefix) override {
    std::vector<ObjectInfo> found;
    for (const auto& [name, contents] : objects_)
      if (name.starts_with(prefix))
        found.push_back({.name = name, .bytes = contents.size(), .modified = 1});
    return found;
  }
  Result<void> remove(const std::string& name) override {
    objects_.erase(name);
    return {};
  }
  Result<std::uint64_t> drop_unfinished(const std::string&, base::UnixMillis) override { return 0; }

 private:
  std::map<std::string, std::string> objects_;
};

void announcement(const std::string& text) {
  Place place;
  transfer::PostedNotice own(place, transfer::NoticeKind::kPush);
  fuzz::require(own.post({"packs/ours.pack"}).has_value(), "it can be announced");
  fuzz::require(place.put("notices/other", text).has_value(), "others can, too");
  const auto notices = transfer::read_notices(place, own);
  if (notices)
    fuzz::require(!notices->pushes.contains("packs/ours.pack") || text.contains("ours"),
                  "one's own is nobody else's");
}

void header(const std::string& text) {
  const std::string key = transfer::key_of_checkpoint(text);
  fuzz::require(key.empty() || base::parse_id(key).has_value(), "a key's name is an id");
}

void document_of_oci(const std::string& text) {
  if (const auto index = exchange::parse_index(text, "index.json")) {
    (void)exchange::find_image(*index, "", "here");
    if (const auto digest = exchange::find_image(*index, "latest", "here"))
      if (const auto hex = exchange::hex_of(*digest))
        fuzz::require(hex->find_first_not_of("0123456789abcdef") == hex->npos, "safe as a name");
  }
  if (const auto manifest = exchange::parse_object(text, "manifest"))
    (void)exchange::only_layer(*manifest);
}

using Target = void (*)(const std::string&);

// New ones at the end: the seeds count.
constexpr std::array<Target, 5> kTargets = {
    &answer_of_s3, &answer_of_peer, &announcement, &header, &document_of_oci,
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text = fuzz::text_of(data, size);
  kTargets.at(fuzz::way_of(text, kTargets.size()))(text);
  return 0;
}
