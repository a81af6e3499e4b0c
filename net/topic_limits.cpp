#include "net/topic_limits.hpp"

namespace stadion::net {
namespace {

constexpr std::size_t copies = 3; // the subscription's, its group's, the request's

std::size_t bytes_of(const wire::topic_filter& filter) noexcept {
    std::size_t bytes = 0;
    for (const auto& topic : filter.topics()) bytes += topic.size();
    return bytes;
}

} // namespace

wire::result<void> check_topics(const wire::topic_filter& filter) {
    const auto count = filter.topics().size();
    const auto bytes = bytes_of(filter);
    if (count <= topics_max && bytes <= topic_bytes_max) return {};
    return wire::make_error(wire::status::invalid_argument,
                            "a subscription names at most 1,000 topics of 64 KiB together, not " +
                                std::to_string(count) + " of " + std::to_string(bytes) +
                                " bytes; a topic may stand for many, as games/* does");
}

std::size_t memory_of(const wire::topic_filter& filter) noexcept {
    return copies * (filter.topics().size() * (sizeof(std::string) + sizeof(std::uint32_t)) + bytes_of(filter));
}

} // namespace stadion::net
