// SPDX-License-Identifier: Apache-2.0
#include "exchange/oci_archive.h"

#include <fcntl.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "archive/entry_name.h"
#include "exchange/layer_writer.h"
#include "exchange/oci_image.h"
#include "sys/files.h"

namespace reprise::exchange {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::Result;
using std::filesystem::path;

namespace {

// --- written

Result<void> add_file(archive::TarWriter& tar, const path& directory, const std::string& name) {
  const path file = directory / name;
  std::error_code error;
  const std::uint64_t bytes = std::filesystem::file_size(file, error);
  if (error) return base::fail_errno(error.value(), "reading '" + file.string() + "'");
  const sys::UniqueFd fd = REPRISE_PASS(sys::open_file(file, O_RDONLY | O_NOFOLLOW));
  REPRISE_PASS(tar.begin(archive::Entry::file(name, bytes)));
  REPRISE_PASS(
      archive::copy_contents(archive::read_from(fd.get()),
                             [&tar](std::span<const char> data) { return tar.write(data); }));
  return {};
}

// --- read

// An archive that is read once, from its begin.
struct Pass {
  sys::UniqueFd fd;
  archive::TarReader tar;

  static Result<std::unique_ptr<Pass>> begin(const path& file) {
    sys::UniqueFd fd = REPRISE_PASS(sys::open_file(file, O_RDONLY));
    archive::TarReader tar = REPRISE_PASS(archive::TarReader::open(archive::read_from(fd.get())));
    return std::make_unique<Pass>(std::move(fd), std::move(tar));
  }
};

// What an archive holds. Of members that are called alike the first one counts.
struct Survey {
  std::optional<std::string> index;
  std::map<std::string, std::string> digests;  // of blobs: what they are called to what they have
  std::map<std::string, std::string> texts;    // of small ones, by the digest that they have
};

constexpr std::size_t kMaxTexts = std::size_t{16} << 20;  // of all of them

class Surveyor {
 public:
  Result<Survey> run(const path& file);

 private:
  Result<void> see(archive::TarReader& tar, const archive::Entry& entry);
  Result<void> see_blob(archive::TarReader& tar, const archive::Entry& entry,
                        const std::string& hex);

  Survey survey_;
  std::size_t kept_ = 0;
};

Result<Survey> Surveyor::run(const path& file) {
  const auto pass = REPRISE_PASS(Pass::begin(file));
  while (const auto entry = REPRISE_PASS(pass->tar.next())) REPRISE_PASS(see(pass->tar, *entry));
  return std::move(survey_);
}

Result<void> Surveyor::see(archive::TarReader& tar, const archive::Entry& entry) {
  if (entry.kind() != archive::Kind::kFile) return {};
  const std::string name = REPRISE_PASS(archive::safe_name(entry.name()));
  if (name == kIndexFile) {
    if (!survey_.index) survey_.index = REPRISE_PASS(archive::text_of(tar, entry, kMaxJson));
    return {};
  }
  if (archive::parent_of(name) != kBlobs) return {};
  return see_blob(tar, entry, std::string(archive::last_part_of(name)));
}

Result<void> Surveyor::see_blob(archive::TarReader& tar, const archive::Entry& entry,
                                const std::string& hex) {
  const bool keep = entry.size() <= kMaxJson && kept_ + entry.size() <= kMaxTexts;
  Digester sum;
  std::string text;
  REPRISE_PASS(archive::copy_contents(tar, [&](std::span<const char> data) -> Result<void> {
    sum.update(data);
    if (keep) text.append(data.data(), data.size());
    return {};
  }));
  const std::string digest = sum.finish();
  survey_.digests.emplace("sha256:" + hex, digest);
  if (!keep) return {};
  kept_ += text.size();
  survey_.texts.emplace(digest, std::move(text));
  return {};
}

// kCorrupt unless a blob of that digest is there, and is what its name says.
Result<void> check_blob(const Survey& survey, const std::string& digest, const std::string& where) {
  REPRISE_PASS(hex_of(digest));
  const auto found = survey.digests.find(digest);
  if (found != survey.digests.end() && found->second == digest) return {};
  return fail(ErrorCode::kCorrupt, "blob '" + digest + "' of '" + where + "' is " +
                                       (found == survey.digests.end() ? "missing" : "damaged"));
}

Result<std::string> find_layer(const Survey& survey, const OciPlace& place) {
  const std::string where = place.path.string();
  if (!survey.index)
    return std::unexpected(
        Error(ErrorCode::kCorrupt,
              "'" + where + "' is no archive of an OCI image layout: it has no index.json")
            .with_hint("archives of 'podman container checkpoint --export' are taken by 'reprise "
                       "checkpoint import'"));
  const auto index = REPRISE_PASS(parse_index(*survey.index, where + ": index.json"));
  const std::string image = REPRISE_PASS(find_image(index, place.tag, where));
  REPRISE_PASS(check_blob(survey, image, where));
  const auto text = survey.texts.find(image);
  if (text == survey.texts.end())
    return fail(ErrorCode::kUnsupported, "the manifest of the image is too large");
  std::string layer =
      REPRISE_PASS(only_layer(REPRISE_PASS(parse_object(text->second, where + ": " + image))));
  REPRISE_PASS(check_blob(survey, layer, where));
  return layer;
}

}  // namespace

Result<void> write_oci_archive(const path& directory, const archive::WriteBytes& sink) {
  archive::TarWriter tar =
      REPRISE_PASS(archive::TarWriter::open(sink, archive::Compression::kNone));
  REPRISE_PASS(add_file(tar, directory, kMarkerFile));
  REPRISE_PASS(add_file(tar, directory, kIndexFile));
  std::error_code error;
  std::vector<std::string> blobs;
  for (const auto& entry : std::filesystem::directory_iterator(directory / kBlobs, error))
    blobs.push_back(path(kBlobs) / entry.path().filename());
  if (error) return base::fail_errno(error.value(), "reading '" + directory.string() + "'");
  std::ranges::sort(blobs);
  for (const std::string& blob : blobs) REPRISE_PASS(add_file(tar, directory, blob));
  return tar.finish();
}

Result<archive::ReadBytes> open_oci_archive_layer(const OciPlace& place) {
  const std::string digest =
      REPRISE_PASS(find_layer(REPRISE_PASS(Surveyor().run(place.path)), place));
  const std::string member = std::string(kBlobs) + "/" + REPRISE_PASS(hex_of(digest));
  std::shared_ptr<Pass> pass = REPRISE_PASS(Pass::begin(place.path));
  while (const auto entry = REPRISE_PASS(pass->tar.next()))
    if (entry->kind() == archive::Kind::kFile &&
        REPRISE_PASS(archive::safe_name(entry->name())) == member)
      return [pass](std::span<char> buffer) { return pass->tar.read(buffer); };
  return fail(ErrorCode::kCorrupt, "'" + place.path.string() + "' was changed meanwhile");
}

}  // namespace reprise::exchange
