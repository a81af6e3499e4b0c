#include "net/call.hpp"

#include "net/connection.hpp"

#include <google/protobuf/message_lite.h>

namespace stadion::net {

void reply_sink::reply(const google::protobuf::MessageLite& message) { reply(message.SerializeAsString()); }

const v1::Metadata& call::metadata() {
    if (!metadata_parsed_) {
        metadata_parsed_ = true;
        if (!raw_metadata_.empty())
            metadata_.ParseFromArray(raw_metadata_.data(), static_cast<int>(raw_metadata_.size()));
    }
    return metadata_;
}

worker& call::home() noexcept { return link_.home(); }

std::chrono::milliseconds pending_call::time_left() const noexcept {
    const auto left = deadline_at_ - deadline_wheel::clock::now();
    return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(left),
                    std::chrono::milliseconds{0});
}

} // namespace stadion::net
