// The methods and types a server describes, learnt at run time: what lets the debug client talk to a server
// of any version. Built from a FileDescriptorSet; owns the descriptors that everything else here points to.
#pragma once

#include "wire/method_table.hpp"
#include "wire/result.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace google::protobuf {
class Descriptor;
class FileDescriptorSet;
} // namespace google::protobuf

namespace stadion::tools {

class method_catalog {
public:
    // INTERNAL when the files contradict or lack each other.
    static wire::result<std::unique_ptr<method_catalog>>
    from(const google::protobuf::FileDescriptorSet& files);
    ~method_catalog();

    const wire::method_table& methods() const;

    // The description of `name`: a method with its messages, a service, a message or an enum, with or without
    // the package. NOT_FOUND, naming what may be meant, otherwise.
    wire::result<std::string> describe(std::string_view name) const;

    // JSON to the encoded request of the method. INVALID_ARGUMENT says where it does not fit.
    wire::result<std::string> encode_request(const wire::method& method, std::string_view json) const;
    wire::result<std::string> decode_request(const wire::method& method, std::string_view body) const;
    wire::result<std::string> decode_response(const wire::method& method, std::string_view body) const;

private:
    struct pool;
    explicit method_catalog(std::unique_ptr<pool> owned);
    wire::result<std::string> decode(const google::protobuf::Descriptor* type, std::string_view body) const;

    std::unique_ptr<pool> pool_;
};

} // namespace stadion::tools
