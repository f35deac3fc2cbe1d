// SPDX-License-Identifier: Apache-2.0
#include "podman/command_line.h"

#include <gtest/gtest.h>

#include <sstream>

namespace reprise::podman {
namespace {

using base::ErrorCode;
using Words = std::vector<std::string>;

// Words without spaces in them, written as one would type them.
Words words(const std::string& text) {
  std::istringstream in(text);
  Words result;
  for (std::string word; in >> word;) result.push_back(word);
  return result;
}

ContainerInfo container(const std::string& create_command, const std::string& command,
                        const std::string& image = "docker.io/library/python:3.12") {
  ContainerInfo info;
  info.name = "web";
  info.create_command = words(create_command);
  info.command = words(command);
  info.image_name = image;
  info.image_id = "45e8255f632e021f1e86af24ce52f1c9f0faaf88138c22019b1d9f55073cfe2b";
  return info;
}

std::string image_found_in(const ContainerInfo& info) {
  const auto index = image_index_in_command(info);
  return index ? info.create_command.at(*index) : "error: " + index.error().message();
}

TEST(ImageIndex, IsFoundBeforeTheUsersCommand) {
  EXPECT_EQ(image_found_in(container("podman run -d --name web python:3.12 python3 -u x.py",
                                     "python3 -u x.py")),
            "python:3.12");
  EXPECT_EQ(
      image_found_in(container(
          "podman --runtime /x/reprise-runtime run -d -e A=b --memory 1g python:3.12 sh", "sh")),
      "python:3.12");
  EXPECT_EQ(
      image_found_in(container("podman container run -dit --name web python:3.12", "python3")),
      "python:3.12");
  EXPECT_EQ(image_found_in(container("podman create --name=web -- python:3.12 true", "true")),
            "python:3.12");
}

TEST(KeptCommand, NamesTheImageByItsId) {
  const ContainerInfo info = container("podman run -d --name web python:3.12 sh", "sh");
  const auto kept = kept_command(info);
  ASSERT_TRUE(kept) << kept.error().message();
  EXPECT_EQ(kept->image, "python:3.12");
  EXPECT_EQ(kept->words, R"(["podman","run","-d","--name","web",")" + info.image_id + R"(","sh"])");
  EXPECT_EQ(kept->image_index, 5U);
}

TEST(ImageIndex, IsFoundUnderEveryNameThatTheImageHas) {
  for (const char* name : {"docker.io/library/python:3.12", "library/python:3.12", "45e8255f632e",
                           "45e8255f632e021f1e86af24ce52f1c9f0faaf88138c22019b1d9f55073cfe2b"})
    EXPECT_EQ(image_found_in(container("podman run -d " + std::string(name) + " sh", "sh")), name);
  EXPECT_EQ(image_found_in(
                container("podman run -d redis", "redis-server", "docker.io/library/redis:latest")),
            "redis");
  EXPECT_EQ(image_found_in(container("podman run -d redis@sha256:12 x y", "x y",
                                     "docker.io/library/redis@sha256:12")),
            "redis@sha256:12");
}

TEST(ImageIndex, SurvivesOptionsThatAreNotKnown) {
  // --brand-new takes no value, so reading the options alone would take the image for one.
  EXPECT_EQ(image_found_in(container("podman run -d --brand-new python:3.12 sh -c x", "sh -c x")),
            "python:3.12");
}

TEST(ImageIndex, IsFoundForAnImageThatLostItsName) {
  EXPECT_EQ(image_found_in(container("podman run -d old:1 sh -c x", "sh -c x", "")), "old:1");
}

TEST(ImageIndex, IsRefusedWhenItCannotBeTold) {
  const auto unclear =
      image_index_in_command(container("podman run -d --brand-new old:1 sh -c x", "other", ""));
  ASSERT_FALSE(unclear);
  EXPECT_EQ(unclear.error().code(), ErrorCode::kUnsupported);
  EXPECT_FALSE(unclear.error().hint().empty());

  for (const char* command : {"", "podman", "podman kube play x.yaml", "podman run"}) {
    const auto other = image_index_in_command(container(command, ""));
    ASSERT_FALSE(other) << command;
    EXPECT_EQ(other.error().code(), ErrorCode::kUnsupported) << command;
  }
}

struct Again {
  const char* recorded;
  std::size_t image;
  const char* expected;
};

TEST(CreateCommandAgain, MakesCreateOfRun) {
  const Again cases[] = {
      {"podman run -d --name web img sh -c x", 5, "podman create --name new img sh -c x"},
      {"podman run --detach --name=web img", 4, "podman create --name new img"},
      {"podman run --detach=true img -d", 3, "podman create --name new img -d"},
      {"podman run -dit --rm img", 4, "podman create -it --rm --name new img"},
      {"podman run -itd img", 3, "podman create -it --name new img"},
      {"podman run -de A=d img", 4, "podman create -e A=d --name new img"},
      {"podman run -id=true img", 3, "podman create -i --name new img"},
      {"podman run -ePATH=d -w/d img", 4, "podman create -ePATH=d -w/d --name new img"},
      {"podman run -e -d --env --name img", 6, "podman create -e -d --env --name --name new img"},
      {"podman container run -d img", 4, "podman container create --name new img"},
      {"/usr/bin/podman --runtime /x/r --root=/y run -d img", 6,
       "podman --runtime /x/r --root=/y create --name new img"},
      {"podman run -d --replace --cidfile /x --sig-proxy=false --rmi img", 8,
       "podman create --name new img"},
      {"podman run -d --restart always -- img sh", 6,
       "podman create --restart always --name new -- img sh"},
      {"podman create -it --name web img run -d", 5, "podman create -it --name new img run -d"},
  };
  for (const Again& c : cases) {
    const auto again = create_command_again(words(c.recorded), c.image, {.name = "new"});
    ASSERT_TRUE(again) << c.recorded << ": " << again.error().message();
    EXPECT_EQ(*again, words(c.expected)) << c.recorded;
  }
}

TEST(CreateCommandAgain, PutsFurtherOptionsBeforeTheImage) {
  const auto again =
      create_command_again(words("podman run -d --memory 1g img sh"), 5,
                           {.name = "web", .options = {"--memory", "2g", "--cpus", "1.5"}});
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(*again, words("podman create --memory 1g --name web --memory 2g --cpus 1.5 img sh"));
}

TEST(CreateCommandAgain, RefusesAnIndexThatDoesNotFit) {
  for (const std::size_t index : {0U, 1U, 3U, 9U}) {
    const auto again = create_command_again(words("podman run img"), index, {});
    ASSERT_FALSE(again) << index;
    EXPECT_EQ(again.error().code(), ErrorCode::kInvalidInput);
  }
}

TEST(DetachedRunCommand, OptsInAndDetaches) {
  EXPECT_EQ(detached_run_command("reprise", words("--name web -it img sh -d")),
            words("podman --runtime reprise run -d --annotation reprise.dev/on-stop=checkpoint "
                  "--name web -it img sh -d"));
}

TEST(DetachedRunCommand, DoesNotLetTheUserAttach) {
  EXPECT_EQ(detached_run_command("r", words("--detach=false -id=false --rm -d=0 img --detach")),
            words("podman --runtime r run -d --annotation reprise.dev/on-stop=checkpoint "
                  "-i --rm img --detach"));
}

TEST(DetachedRunCommand, LeavesValuesAlone) {
  EXPECT_EQ(detached_run_command("r", words("-e --detach --name --detach -- img")),
            words("podman --runtime r run -d --annotation reprise.dev/on-stop=checkpoint "
                  "-e --detach --name --detach -- img"));
}

TEST(CreateCommandTest, OptionsStandBeforeTheImageAndWordsBehindIt) {
  const CreateCommand plain = create_command({.runtime = "reprise",
                                              .image = "base:1",
                                              .command = {"sh", "-c", "--privileged"},
                                              .own_entrypoint = false});
  EXPECT_EQ(plain.words,
            (Words{"podman", "--runtime", "reprise", "create", "--annotation",
                   "reprise.dev/on-stop=checkpoint", "--", "base:1", "sh", "-c", "--privileged"}));
  EXPECT_EQ(plain.words[plain.image_index], "base:1");
  const CreateCommand rich = create_command({.runtime = "reprise",
                                             .image = "base:1",
                                             .command = {"a \"b", "c"},
                                             .terminal = true,
                                             .keeps_stdin = true,
                                             .without_network = true});
  EXPECT_EQ(Words(rich.words.begin() + 6, rich.words.end()),
            (Words{"--tty", "--interactive", "--network", "none", "--entrypoint", "[\"a \\\"b\"]",
                   "--", "base:1", "c"}));
  // It is made again like any other.
  const auto again = create_command_again(rich.words, rich.image_index,
                                          {.name = "new", .options = {"-v", "/a:/b"}});
  ASSERT_TRUE(again);
  EXPECT_EQ(Words(again->end() - 7, again->end()),
            (Words{"--name", "new", "-v", "/a:/b", "--", "base:1", "c"}));
}

}  // namespace
}  // namespace reprise::podman
