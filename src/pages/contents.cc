// SPDX-License-Identifier: Apache-2.0
#include "pages/contents.h"

#include <google/protobuf/io/coded_stream.h>
#include <zstd.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/bytes.h"
#include "contents.pb.h"
#include "image/digest.h"
#include "json/reader.h"
#include "json/writer.h"

namespace reprise::pages {

using base::CheckpointId;
using base::Error;
using base::ErrorCode;
using base::fail;
using json_reader::text_in;

namespace {

using Bytes = std::vector<std::byte>;

constexpr std::string_view kFormat = "reprise-checkpoint";
constexpr int kLevel = 3;  // zstd's own default
// A manifest of 64 MiB and the runs of some 2 TB of pages that are all shared.
constexpr std::size_t kMaxPlain = std::size_t{1} << 30;

// --- the header: one line of JSON that needs no key

std::string header_line(const CheckpointId& id, const std::string& key_id) {
  nlohmann::ordered_json header{
      {"format", kFormat}, {"version", kCheckpointVersion}, {"id", id.str()}, {"key", key_id}};
  const std::string text = json_writer::print(header);
  header["checksum"] = image::digest_of(text);
  return json_writer::print(header) + '\n';
}

Result<void> check_header(const CheckpointId& id, const std::string& key_id,
                          std::string_view line) {
  const auto damaged = [] { return fail(ErrorCode::kCorrupt, "its first line is damaged"); };
  auto header = json_reader::parse_or_discarded<nlohmann::ordered_json>(line);
  if (!header.is_object()) return damaged();
  const std::string checksum = text_in(header, "checksum");
  header.erase("checksum");
  if (image::digest_of(json_writer::print(header)) != checksum ||
      text_in(header, "format") != kFormat || !header.contains("version") ||
      !header["version"].is_number_integer())
    return damaged();
  if (header["version"].get<std::int64_t>() > kCheckpointVersion)
    return std::unexpected(
        Error(ErrorCode::kUnsupported, "it was written by a newer version of Reprise")
            .with_hint("upgrade Reprise on this host"));
  if (const std::string other = text_in(header, "id"); other != id.str())
    return fail(ErrorCode::kCorrupt, "it is the file of checkpoint '" + other + "'");
  if (const std::string other = text_in(header, "key"); other != key_id)
    return std::unexpected(
        Error(ErrorCode::kDenied, "it was sealed with key '" + other + "', not '" + key_id + "'")
            .with_hint("open the store with the key of its tenant"));
  return {};
}

// --- the body

Bytes compress(const std::string& plain) {
  Bytes out(ZSTD_compressBound(plain.size()));
  const std::size_t bytes =
      ZSTD_compress(out.data(), out.size(), plain.data(), plain.size(), kLevel);
  REPRISE_ASSERT(ZSTD_isError(bytes) == 0U);  // the bound suffices
  out.resize(bytes);
  return out;
}

Result<std::string> decompress(const Bytes& compressed) {
  const unsigned long long size = ZSTD_getFrameContentSize(compressed.data(), compressed.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > kMaxPlain)
    return fail(ErrorCode::kCorrupt, "its contents are malformed");
  std::string plain(size, '\0');
  if (ZSTD_decompress(plain.data(), plain.size(), compressed.data(), compressed.size()) != size)
    return fail(ErrorCode::kCorrupt, "its contents are malformed");
  return plain;
}

// What was sealed; still compressed.
Result<Bytes> unseal_body(const crypto::TenantKeys& keys, const CheckpointId& id,
                          std::string_view file) {
  const std::size_t end = file.find('\n');
  if (end == std::string_view::npos) return fail(ErrorCode::kCorrupt, "its first line is damaged");
  REPRISE_PASS(check_header(id, keys.id, file.substr(0, end)));
  Bytes compressed;
  REPRISE_PASS(keys.manifests.open(base::as_bytes(file.substr(end + 1)),
                                   base::as_bytes(file.substr(0, end + 1)), compressed));
  return compressed;
}

std::string encode(const Contents& contents) {
  proto::Contents message;
  message.set_manifest(image::encode_manifest(contents.manifest));
  for (const BlockPlace& place : contents.blocks) {
    proto::Block& block = *message.add_blocks();
    block.set_pack(place.pack);
    block.set_id(std::string(base::as_text(place.id)));
    block.set_offset(place.offset);
    block.set_bytes(place.bytes);
  }
  for (const StoredFile& stored : contents.files) {
    proto::File& file = *message.add_files();
    file.set_name(stored.name);
    for (const PageRun& run : stored.runs) {
      file.add_runs(run.block == PageRun::kZeros ? 0 : run.block + 1);
      file.add_runs(run.first);
      file.add_runs(run.pages);
    }
  }
  return message.SerializeAsString();
}

std::unexpected<Error> inconsistent(const std::string& name) {
  return fail(ErrorCode::kCorrupt, "what it says of '" + name + "' does not fit together");
}

Result<StoredFile> decode_file(const proto::File& file, const image::ManifestFile& expected,
                               std::size_t blocks) {
  if (file.name() != expected.name || file.runs_size() % 3 != 0) return inconsistent(expected.name);
  StoredFile stored{.name = file.name(), .runs = {}};
  std::uint64_t pages = 0;
  for (int i = 0; i < file.runs_size(); i += 3) {
    const PageRun run{
        .block = file.runs(i) == 0 ? PageRun::kZeros : file.runs(i) - 1,
        .first = file.runs(i + 1),
        .pages = file.runs(i + 2),
    };
    const bool in_block =
        run.block < blocks && run.first < kBlockPages && run.pages <= kBlockPages - run.first;
    if (run.pages == 0 || (run.block != PageRun::kZeros && !in_block))
      return inconsistent(expected.name);
    pages += run.pages;
    stored.runs.push_back(run);
  }
  if (pages != pages_of(expected.bytes)) return inconsistent(expected.name);
  return stored;
}

Result<BlockPlace> decode_block(const proto::Block& block) {
  BlockPlace place{.pack = block.pack(), .offset = block.offset(), .bytes = block.bytes()};
  if (block.id().size() != place.id.size() || !base::parse_id(place.pack))
    return fail(ErrorCode::kCorrupt, "its list of blocks is malformed");
  std::ranges::copy(base::as_bytes(block.id()), place.id.begin());
  return place;
}

Result<Contents> decode(const std::string& plain) {
  proto::Contents message;
  if (!message.ParseFromString(plain))
    return fail(ErrorCode::kCorrupt, "its contents are malformed");
  Contents contents;
  contents.manifest = REPRISE_PASS(image::decode_manifest(message.manifest()));
  for (const proto::Block& block : message.blocks())
    contents.blocks.push_back(REPRISE_PASS(decode_block(block)));
  const auto& expected = contents.manifest.files;
  if (static_cast<std::size_t>(message.files_size()) != expected.size())
    return fail(ErrorCode::kCorrupt, "its list of files is not the manifest's");
  for (std::size_t i = 0; i < expected.size(); ++i)
    contents.files.push_back(REPRISE_PASS(
        decode_file(message.files(static_cast<int>(i)), expected[i], contents.blocks.size())));
  return contents;
}

}  // namespace

std::uint64_t pages_of(std::uint64_t bytes) {
  return bytes / kPageBytes + (bytes % kPageBytes != 0);
}

Result<std::string> seal_contents(const crypto::TenantKeys& keys, const Contents& contents) {
  const std::string header = header_line(contents.manifest.id, keys.id);
  const std::string plain = encode(contents);
  // A checkpoint that could not be opened must not become one.
  if (REPRISE_TRY(decode(plain), "reading the new manifest back").manifest.files !=
      contents.manifest.files)
    return fail(ErrorCode::kInvalidInput, "a file's name is not UTF-8");
  Bytes sealed;
  REPRISE_PASS(keys.manifests.seal(compress(plain), base::as_bytes(header), sealed));
  return header + std::string(base::as_text(sealed));
}

Result<Contents> open_contents(const crypto::TenantKeys& keys, const CheckpointId& id,
                               std::string_view file) {
  const Bytes compressed = REPRISE_PASS(unseal_body(keys, id, file));
  const std::string plain = REPRISE_PASS(decompress(compressed));
  Contents contents = REPRISE_PASS(decode(plain));
  if (contents.manifest.id != id)
    return fail(ErrorCode::kCorrupt,
                "it is the file of checkpoint '" + contents.manifest.id.str() + "'");
  return contents;
}

Result<void> visit_blocks(const crypto::TenantKeys& keys, const CheckpointId& id, std::string file,
                          const std::function<void(const BlockPlace&)>& visit) {
  // Of the three only two at a time.
  Bytes compressed = REPRISE_PASS(unseal_body(keys, id, file));
  std::string().swap(file);
  const std::string plain = REPRISE_PASS(decompress(compressed));
  Bytes().swap(compressed);
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(plain.data()),
                                            static_cast<int>(plain.size()));
  // All fields of a proto::Contents are texts or messages: each is a tag, a length, and so many
  // bytes.
  constexpr std::uint32_t kLength = 2;
  constexpr std::uint32_t kBlock = proto::Contents::kBlocksFieldNumber << 3 | kLength;
  std::string text;
  proto::Block block;
  while (const std::uint32_t tag = in.ReadTag()) {
    int bytes = 0;
    bool read = (tag & 7U) == kLength && in.ReadVarintSizeAsInt(&bytes);
    if (tag == kBlock)
      read = read && in.ReadString(&text, bytes) && block.ParseFromString(text);
    else
      read = read && in.Skip(bytes);
    if (!read) return fail(ErrorCode::kCorrupt, "its contents are malformed");
    if (tag == kBlock) visit(REPRISE_PASS(decode_block(block)));
  }
  if (in.CurrentPosition() != static_cast<int>(plain.size()))
    return fail(ErrorCode::kCorrupt, "its contents are malformed");
  return {};
}

}  // namespace reprise::pages
