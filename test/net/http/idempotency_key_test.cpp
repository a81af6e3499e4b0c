#include "net/http/idempotency_key.hpp"

#include <gmock/gmock.h>

namespace stadion::net {
namespace {

using ::testing::HasSubstr;

http_request with(std::vector<std::string> keys) {
    http_request request;
    request.headers.emplace_back("host", "x");
    for (auto& key : keys) request.headers.emplace_back("idempotency-key", std::move(key));
    return request;
}

TEST(idempotency_key, is_taken_as_it_was_sent) {
    EXPECT_EQ(*idempotency_key_of(with({})), "");
    EXPECT_EQ(*idempotency_key_of(with({"k 1 \xc3\xb6"})), "k 1 \xc3\xb6");
    const std::string longest(idempotency_key_bytes_max, 'k');
    EXPECT_EQ(*idempotency_key_of(with({longest})), longest);
}

TEST(idempotency_key, is_refused_when_it_cannot_be_taken_so) {
    const auto refusal = [](std::vector<std::string> keys) {
        const auto read = idempotency_key_of(with(std::move(keys)));
        return read ? std::string("taken") : read.error().message;
    };
    EXPECT_THAT(refusal({""}), HasSubstr("is empty"));
    EXPECT_THAT(refusal({"a", "b"}), HasSubstr("more than once"));
    EXPECT_THAT(refusal({std::string(257, 'k')}), HasSubstr("257 bytes long; at most 256"));
    EXPECT_THAT(refusal({"\xff"}), HasSubstr("not UTF-8"));
    EXPECT_THAT(refusal({"a\tb"}), HasSubstr("control characters"));
    EXPECT_TRUE(check_idempotency_key(""));
}

TEST(caller_name, is_the_address_and_of_ipv6_the_network) {
    const auto name = [](const char* address) { return caller_name(boost::asio::ip::make_address(address)); };
    EXPECT_EQ(name("192.0.2.1"), "192.0.2.1");
    EXPECT_EQ(name("::ffff:192.0.2.1"), "192.0.2.1");
    EXPECT_EQ(name("2001:db8:1:2:3:4:5:6"), name("2001:db8:1:2::1"));
    EXPECT_NE(name("2001:db8:1:2::1"), name("2001:db8:1:3::1"));
}

} // namespace
} // namespace stadion::net
