# Makes wire/method_numbers.hpp of the .proto files: a constant for each method's number, such as
# rpc::front_end_subscribe. The .proto files stay the only place where a number is written.
file(GLOB protos ${CMAKE_CURRENT_SOURCE_DIR}/proto/*.proto)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${protos})
set(numbers "")
foreach(proto ${protos})
    file(STRINGS ${proto} lines REGEX "^service |^  rpc |option \\(method\\) = ")
    foreach(line ${lines})
        if(line MATCHES "^service ([A-Za-z]+)")
            string(REGEX REPLACE "([a-z])([A-Z])" "\\1_\\2" service ${CMAKE_MATCH_1})
        elseif(line MATCHES "^  rpc ([A-Za-z]+)")
            string(REGEX REPLACE "([a-z])([A-Z])" "\\1_\\2" method ${CMAKE_MATCH_1})
        elseif(line MATCHES "= (0x[0-9A-F]+)")
            string(TOLOWER "${service}_${method}" name)
            string(APPEND numbers "inline constexpr std::uint16_t ${name} = ${CMAKE_MATCH_1};\n")
        endif()
    endforeach()
endforeach()
file(CONFIGURE OUTPUT ${generated}/wire/method_numbers.hpp CONTENT
"// The numbers of all methods, made of the .proto files.
#pragma once

#include <cstdint>

namespace stadion::wire::rpc {

@numbers@
} // namespace stadion::wire::rpc
" @ONLY)
