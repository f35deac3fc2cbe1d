// SPDX-License-Identifier: Apache-2.0
#include "config/config.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "sys/test_directory.h"

namespace reprise::config {
namespace {

using base::ErrorCode;

Config parsed(std::string_view text) {
  Result<Config> config = parse("/etc/r.toml", text);
  if (!config) ADD_FAILURE() << config.error().details();
  return config.value_or(Config{});
}

TEST(Config, ReadsEverySection) {
  const Config config = parsed(R"(
[store]
path = "/srv/reprise"
key_command = "vault read x"

[remote.depot]
url = "s3://bucket/prefix"
region = "eu-central-1"
endpoint = "https://s3.example.org"
access_key = "AK"
secret_key_file = "/etc/reprise/depot.secret"
upload = true

[remote.a-peer]
url = "https://node:7070"
cert_file = "/c"
key_file = "/k"
ca_file = "/ca"

[retention]
keep_last = 3
keep_hourly = 24
keep_daily = 0
max_size = "200GiB"

[restore]
fill_rate = "100MB"
)");
  EXPECT_EQ(config.store.path, "/srv/reprise");
  EXPECT_EQ(config.store.key_command, "vault read x");
  ASSERT_EQ(config.remotes.size(), 2U);
  EXPECT_EQ(config.remotes[0].name, "a-peer");  // sorted
  EXPECT_EQ(config.remotes[0].access.cert_file, "/c");
  EXPECT_FALSE(config.remotes[0].upload);
  const auto depot = config.remote("depot");
  ASSERT_TRUE(depot);
  EXPECT_EQ(depot->access.url, "s3://bucket/prefix");
  EXPECT_EQ(depot->access.region, "eu-central-1");
  EXPECT_EQ(depot->secret_key_file, "/etc/reprise/depot.secret");
  EXPECT_TRUE(depot->upload);
  EXPECT_EQ(config.retention.keep_last, 3U);
  EXPECT_EQ(config.retention.keep_hourly, 24U);
  EXPECT_EQ(config.retention.keep_daily, 0U);
  EXPECT_EQ(config.retention.max_size, std::uint64_t{200} << 30);
  EXPECT_EQ(config.restore.fill_rate, 100'000'000U);
  EXPECT_EQ(config.lines.at("remote.depot.url"), 7U);
}

TEST(Config, NothingIsTheDefault) {
  const Config config = parsed("# nothing\n");
  EXPECT_TRUE(config.store.path.empty());
  EXPECT_TRUE(config.remotes.empty());
  EXPECT_FALSE(config.retention.keep_last);
  const auto unknown = config.remote("x");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code(), ErrorCode::kNotFound);
  EXPECT_FALSE(unknown.error().hint().empty());
}

// Each is refused with file, line and what is wrong.
TEST(Config, NamesTheLineOfWhatIsWrong) {
  struct Wrong {
    std::string_view text;
    std::string_view line;
    std::string_view says;
  };
  for (const auto& [text, line, says] : {
           Wrong{"[store]\npath = /x\n", "line 2", ""},
           Wrong{"\n[stroe]\n", "line 2", "'stroe' is no section"},
           Wrong{"store = 1\n", "line 1", "must be a section"},
           Wrong{"[store]\npaht = \"/x\"\n", "line 2", "'paht' is no setting of [store]"},
           Wrong{"[store]\npath = \"x\"\n", "line 2", "'path' must be a path that begins"},
           Wrong{"[store]\npath = 7\n", "line 2", "must be a text"},
           Wrong{"[store]\nkey_file = \"/x\"\nkey_command = \"y\"\n", "line 1", "more than one"},
           Wrong{"[remote.r]\nupload = true\n", "line 1", "lacks 'url'"},
           Wrong{"[remote.r]\nurl = \"file:///x\"\nupload = \"yes\"\n", "line 3", "true or false"},
           Wrong{"[remote.\"a/b\"]\nurl = \"file:///x\"\n", "line 1", "name of a remote"},
           Wrong{"[remote.r]\nurl = \"x\"\nsecret_key = \"s\"\n", "line 3", "is no setting"},
           Wrong{"[remote.r]\nurl = \"s3://\"\n", "line 2",
                 "'url' cannot be used: 's3://' is no URL"},
           Wrong{"[remote.r]\nurl = \"ftp://h/x\"\n", "line 2", "begins with none of"},
           Wrong{"[remote.r]\nurl = \"https://a b\"\n", "line 2", "'a b' is no host"},
           Wrong{"[remote.r]\nurl = \"s3://b\"\nendpoint = \"h:1\"\n", "line 3",
                 "begins with neither"},
           Wrong{"[retention]\nkeep_last = -1\n", "line 2", "whole number"},
           Wrong{"[retention]\nkeep_last = 1.5\n", "line 2", "whole number"},
           Wrong{"[retention]\nmax_size = \"200 gigs\"\n", "line 2", "must be a size"},
       }) {
    const auto config = parse("/etc/r.toml", text);
    ASSERT_FALSE(config) << text;
    const std::string message = config.error().message();
    EXPECT_EQ(config.error().code(), ErrorCode::kInvalidInput);
    EXPECT_NE(message.find("'/etc/r.toml', " + std::string(line) + ":"), message.npos) << message;
    EXPECT_NE(message.find(says), message.npos) << message;
  }
}

// These ended the process, and so each start of each container.
TEST(Config, NoTextEndsTheProcess) {
  std::string names = "a";
  for (int i = 0; i < 100'000; ++i) names += ".a";
  const std::string brackets(500'000, '[');
  for (const std::string& text :
       {std::string("[.store]\n"), std::string("\n[[[a]]]\n"), std::string("[ # name\n"),
        std::string("[="), std::string("[remote.\xc5\x8c]\n"),
        std::string("[store]\npath =-\"\xc9\x89\"\n"), std::string("[store]\na'\xc5\x8c' = 1\n"),
        brackets, "a = " + brackets, names + " = 1\n", "[" + names + "]\n",
        "a = {" + names + " = 1}\n"}) {
    const auto config = parse("/etc/r.toml", text);
    ASSERT_FALSE(config) << text.substr(0, 20);
    EXPECT_NE(config.error().message().find("'/etc/r.toml', line "), std::string::npos);
    EXPECT_FALSE(config.error().hint().empty());
  }
  EXPECT_TRUE(parse("/etc/r.toml",
                    "# . . . . . . . . . . . . . . . . . . . .\n[store]\n"
                    "path = '/a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s'\n"));
  EXPECT_TRUE(
      parse("/etc/r.toml", "[store]\npath = '/\xc3\xa9'\n[remote.a]\nurl = 'file:///\xc3\xa9'\n"));
}

TEST(Config, ReadsSizes) {
  EXPECT_EQ(parse_bytes("1048576").value(), 1048576U);
  EXPECT_EQ(parse_bytes("1.5 TB").value(), 1'500'000'000'000U);
  EXPECT_EQ(parse_bytes("2GiB").value(), std::uint64_t{2} << 30);
  for (const char* wrong : {"", "x", "-1", "1e30", "12 XB", "nan", "inf", "1 GB x"})
    EXPECT_FALSE(parse_bytes(wrong)) << wrong;
}

TEST(Config, TakesTimesWithUnits) {
  using std::chrono::milliseconds;
  EXPECT_EQ(parse_duration("24h").value(), milliseconds(86'400'000));
  EXPECT_EQ(parse_duration("1.5 min").value(), milliseconds(90'000));
  EXPECT_EQ(parse_duration("0").value(), milliseconds(0));
  EXPECT_EQ(parse_duration("7d").value(), milliseconds(604'800'000));
  for (const char* wrong : {"", "h", "-1h", "1e30", "12 w", "nan", "1 h x"})
    EXPECT_FALSE(parse_duration(wrong)) << wrong;
}

TEST(Config, VariablesWinOverTheFile) {
  using Kind = crypto::KeySource::Kind;
  const Config config = parsed("[store]\npath = \"/srv\"\nkey_file = \"/k\"\n");
  const auto said = store_config(config, {});
  EXPECT_EQ(said.root, "/srv");
  EXPECT_EQ(said.key.kind, Kind::kFile);
  EXPECT_EQ(said.key.value, "/k");
  const auto mine =
      store_config(config, {{"REPRISE_STORE", "/mine"}, {"REPRISE_KEY_COMMAND", "print it"}});
  EXPECT_EQ(mine.root, "/mine");
  EXPECT_EQ(mine.key.kind, Kind::kCommand);
  EXPECT_EQ(mine.key.value, "print it");
  EXPECT_EQ(store_config(config, {{"REPRISE_KEY_FILE", ""}}).key.value, "/k");
}

TEST(Config, TheFirstVariableSaysWhereTheKeyIs) {
  using Kind = crypto::KeySource::Kind;
  sys::Environment all = {{"REPRISE_KEY_FILE", "/f"},
                          {"REPRISE_KEY", "itself"},
                          {"REPRISE_KEY_VARIABLE", "NAME"},
                          {"REPRISE_KEY_COMMAND", "print it"}};
  EXPECT_EQ(store_config({}, all).key.value, "/f");
  all.erase("REPRISE_KEY_FILE");
  EXPECT_EQ(store_config({}, all).key.kind, Kind::kEnvironment);
  EXPECT_EQ(store_config({}, all).key.value, "REPRISE_KEY");
  all.erase("REPRISE_KEY");
  EXPECT_EQ(store_config({}, all).key.value, "NAME");
  all.erase("REPRISE_KEY_VARIABLE");
  EXPECT_EQ(store_config({}, all).key.kind, Kind::kCommand);
}

TEST(Config, WithoutAWordTheKeyLiesWhereUsersHaveIt) {
  const auto usual = store_config({}, {});
  EXPECT_EQ(usual.root, store::kDefaultStore);
  EXPECT_EQ(usual.key.value, store::kDefaultKeyFile);
  EXPECT_EQ(store_config({}, {{"REPRISE_STORE", "/elsewhere"}}).key.value, "/elsewhere/store.key");
}

TEST(Config, TakesSecretsOnlyFromPrivateFiles) {
  const std::string file = testing::TempDir() + "reprise-config-secret";
  std::ofstream(file) << "hunter2\n";
  Remote remote{.name = "r"};
  remote.secret_key_file = file;
  ::chmod(file.c_str(), 0644);
  const auto open = access_of(remote);
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().code(), ErrorCode::kDenied);
  EXPECT_EQ(open.error().message().find("hunter2"), std::string::npos);
  ::chmod(file.c_str(), 0600);
  EXPECT_EQ(access_of(remote).value().secret_key.view(), "hunter2");
  remote.session_token_file = remote.token_file = file;
  EXPECT_EQ(access_of(remote).value().session_token.view(), "hunter2");
  EXPECT_EQ(access_of(remote).value().token.view(), "hunter2");
  std::ofstream(file) << "";
  EXPECT_EQ(access_of(remote).error().code(), ErrorCode::kInvalidInput);
  ::unlink(file.c_str());
  EXPECT_EQ(access_of(remote).error().error_number(), ENOENT);
}

TEST(Config, ReadsTheFileThatTheEnvironmentNames) {
  const std::string file = testing::TempDir() + "reprise-config.toml";
  const sys::Environment environment = {{"REPRISE_CONFIG", file}};
  EXPECT_TRUE(load(environment));
  std::ofstream(file) << "[retention]\nkeep_last = 2\n";
  EXPECT_EQ(load(environment).value().retention.keep_last, 2U);
  ::unlink(file.c_str());
}

// A slip of the pen had a container end without a checkpoint.
TEST(StandingConfig, AMistakeLeavesWhatWasUnderstoodBefore) {
  const sys::TestDirectory directory;
  const auto file = directory / "reprise.toml";
  const auto kept = directory / "run" / "kept.toml";
  const sys::Environment environment{{"REPRISE_CONFIG", file.string()}};
  const auto write = [&](const char* text) { std::ofstream(file, std::ios::trunc) << text; };
  write("[store]\npathh = 7\n");
  Standing standing = load_standing(environment, kept);
  EXPECT_TRUE(standing.mistake && !standing.is_known) << "nothing was understood yet";
  EXPECT_FALSE(keep(environment, kept));
  write("[store]\npath = \"/srv/a\"\n");
  ASSERT_TRUE(keep(environment, kept));
  ASSERT_TRUE(keep(environment, kept)) << "again";
  EXPECT_FALSE(load_standing(environment, kept).mistake);
  write("[store]\npathh = 7\n");
  standing = load_standing(environment, kept);
  EXPECT_TRUE(standing.mistake && standing.is_known);
  EXPECT_EQ(standing.config.store.path, "/srv/a");
  EXPECT_FALSE(keep(environment, kept));
  // Where there is none the defaults count, also before the next mistake.
  std::filesystem::remove(file);
  EXPECT_EQ(load_standing(environment, kept).config.store.path, "");
  ASSERT_TRUE(keep(environment, kept));
  write("=");
  standing = load_standing(environment, kept);
  EXPECT_TRUE(standing.mistake && standing.is_known);
  EXPECT_EQ(standing.config.store.path, "");
}

}  // namespace
}  // namespace reprise::config
