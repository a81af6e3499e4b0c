// A front-end's writer and a database server that answers, refuses, or loses the connection.
#include "frontend/remote_writer.hpp"

#include "test/frontend/fake_database.hpp"

#include <gmock/gmock.h>

namespace stadion::frontend {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using wire::status;

v1::Mutation medal(std::string key = {}) {
    v1::Mutation mutation;
    mutation.mutable_increment_medal()->set_team("gauls");
    mutation.set_idempotency_key(std::move(key));
    return mutation;
}

bool has_code(const v1::Outcome& outcome, status code) {
    return outcome.code() == static_cast<std::uint32_t>(code);
}

class a_remote_writer : public testing::Test {
protected:
    ~a_remote_writer() override {
        writer_.close();
        threads_.run_on_each([](net::worker&) {});
        threads_.stop();
    }

    void follow() { writer_.follow(database_.address, 5); }

    // The outcome, once there is one.
    std::future<v1::Outcome> begin(v1::Mutation mutation, std::chrono::milliseconds budget = 5s) {
        const auto done = std::make_shared<std::promise<v1::Outcome>>();
        auto outcome = done->get_future();
        net::worker& home = threads_.at(0);
        home.post([this, &home, mutation, budget, done] {
            writer_.write(home, mutation, budget,
                          [done](v1::Outcome answer) { done->set_value(std::move(answer)); });
        });
        return outcome;
    }
    v1::Outcome write(v1::Mutation mutation, std::chrono::milliseconds budget = 5s) {
        return begin(std::move(mutation), budget).get();
    }

    fake_database database_;
    net::runtime threads_{1};
    remote_writer writer_{threads_, ""};
};

TEST_F(a_remote_writer, numbers_its_writes_in_one_session) {
    follow();
    for (std::uint64_t number = 1; number <= 3; ++number) {
        EXPECT_EQ(write(medal()).result(), v1::Outcome::APPLIED);
        const auto sent = database_.commits().back();
        EXPECT_EQ(sent.mutations(0).number(), number);
        EXPECT_EQ(sent.lowest_open(), number);
        EXPECT_EQ(sent.session().number(), 1u);
    }
    EXPECT_EQ(database_.sessions(), 1u);
}

TEST_F(a_remote_writer, passes_a_write_with_a_key_on_without_a_session) {
    follow();
    EXPECT_EQ(write(medal("key")).result(), v1::Outcome::APPLIED);
    const auto sent = database_.commits().back();
    EXPECT_EQ(sent.mutations(0).idempotency_key(), "key");
    EXPECT_EQ(sent.mutations(0).number(), 0u);
    EXPECT_FALSE(sent.has_session());
    EXPECT_EQ(database_.sessions(), 0u);
}

TEST_F(a_remote_writer, names_the_epoch_that_it_follows) {
    follow();
    write(medal());
    EXPECT_EQ(database_.commits().back().writer_epoch(), 5u);
    writer_.follow(database_.address, 6);
    write(medal());
    EXPECT_EQ(database_.commits().back().writer_epoch(), 6u);
}

TEST_F(a_remote_writer, sends_a_write_again_under_its_number_when_the_connection_is_lost) {
    database_.answer_next({fake_database::lose_connection, fake_database::lose_connection});
    follow();
    EXPECT_EQ(write(medal()).result(), v1::Outcome::APPLIED);
    const auto sent = database_.commits();
    ASSERT_EQ(sent.size(), 3u);
    for (const auto& attempt : sent) {
        EXPECT_EQ(attempt.mutations(0).number(), 1u);
        EXPECT_EQ(attempt.session().number(), 1u);
    }
}

TEST_F(a_remote_writer, asks_again_while_an_earlier_attempt_is_still_running) {
    database_.answer_next({fake_database::lose_connection, fake_database::refuse(status::aborted)});
    follow();
    EXPECT_EQ(write(medal("key")).result(), v1::Outcome::APPLIED);
    EXPECT_EQ(database_.commits().size(), 3u);
}

TEST_F(a_remote_writer, begins_a_new_session_when_the_database_server_does_not_know_its_own) {
    database_.answer_next(
        {fake_database::apply, fake_database::refuse(status::failed_precondition, {{"session", "unknown"}})});
    follow();
    write(medal());
    EXPECT_EQ(write(medal()).result(), v1::Outcome::APPLIED);
    const auto sent = database_.commits();
    ASSERT_EQ(sent.size(), 3u);
    EXPECT_EQ(sent[1].session().number(), 1u);
    EXPECT_EQ(sent[1].mutations(0).number(), 2u);
    EXPECT_EQ(sent[2].session().number(), 2u);
    EXPECT_EQ(sent[2].mutations(0).number(), 1u);
}

TEST_F(a_remote_writer, passes_a_refusal_on_and_does_not_repeat_the_write) {
    for (const auto code : {status::not_found, status::aborted}) {
        database_.answer_next({fake_database::refuse(code)});
        follow();
        const auto outcome = write(medal("key"));
        EXPECT_EQ(outcome.result(), v1::Outcome::REFUSED);
        EXPECT_TRUE(has_code(outcome, code));
        EXPECT_EQ(outcome.error().message(), "refused");
    }
    EXPECT_EQ(database_.commits().size(), 2u);
}

TEST_F(a_remote_writer, keeps_a_write_until_there_is_a_database_server) {
    auto numbered = begin(medal());
    auto with_key = begin(medal("key"));
    follow();
    EXPECT_EQ(numbered.get().result(), v1::Outcome::APPLIED);
    EXPECT_EQ(with_key.get().result(), v1::Outcome::APPLIED);
}

TEST_F(a_remote_writer, answers_unavailable_and_when_to_try_again_when_nothing_was_sent_in_time) {
    for (const auto* key : {"", "key"}) {
        const auto outcome = write(medal(key), 100ms);
        EXPECT_EQ(outcome.result(), v1::Outcome::UNAVAILABLE);
        EXPECT_TRUE(has_code(outcome, status::unavailable));
        EXPECT_EQ(outcome.error().retry_after_ms(), 1000u);
        EXPECT_THAT(outcome.error().message(), HasSubstr("reads go on"));
    }
    EXPECT_TRUE(database_.commits().empty());
}

TEST_F(a_remote_writer, answers_unknown_with_the_key_when_a_write_was_sent_and_never_answered) {
    database_.answer_always(fake_database::lose_connection);
    follow();
    const auto outcome = write(medal("key"), 300ms);
    EXPECT_EQ(outcome.result(), v1::Outcome::UNKNOWN);
    EXPECT_TRUE(has_code(outcome, status::unavailable));
    EXPECT_EQ(outcome.error().details().at("idempotency_key"), "key");
}

} // namespace
} // namespace stadion::frontend
