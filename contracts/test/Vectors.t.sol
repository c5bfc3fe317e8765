// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILedger} from "../src/interfaces/ILedger.sol";
import {IStake} from "../src/interfaces/IStake.sol";
import {Base} from "./support/Base.sol";

/// @notice The contracts compute the digests of vectors/eip712.json, and the signatures there are good. Go reads the
/// same file.
contract VectorsTest is Base {
    string private json;
    string private at; // where in the file: .vectors[i]

    function test_Vectors() external {
        json = vm.readFile("../vectors/eip712.json");
        uint256 n;
        for (; vm.keyExistsJson(json, path(n, "")); ++n) {
            at = path(n, "");
            check();
        }
        vm.assertGe(n, 10, "fewer vectors than there should be");
    }

    function check() private {
        // The code as if it had been deployed there: it notices that its cached domain is of another place.
        address place = vm.parseJsonAddress(json, key(".domain.verifyingContract"));
        vm.chainId(vm.parseJsonUint(json, key(".domain.chainId")));
        bytes32 kind = keccak256(bytes(vm.parseJsonString(json, key(".type"))));
        bytes32 digest;
        if (kind == keccak256("Voucher")) {
            vm.etch(place, address(ledger).code);
            digest = ILedger(place)
                .voucherDigest(
                    who("renter"), who("provider"), uint64(num("lane")), uint96(num("cumulative")), word("memo")
                );
        } else if (kind == keccak256("Reserve")) {
            vm.etch(place, address(ledger).code);
            digest = ILedger(place)
                .reserveDigest(
                    who("renter"),
                    who("provider"),
                    uint64(num("lane")),
                    uint24(num("epoch")),
                    uint96(num("cap")),
                    uint40(num("validUntil"))
                );
        } else if (kind == keccak256("Lease")) {
            vm.etch(place, address(stake).code);
            digest = IStake(place).leaseDigest(lease());
        } else if (kind == keccak256("Result")) {
            vm.etch(place, address(stake).code);
            digest = IStake(place)
                .resultDigest(
                    IStake.Result(
                        word("lease"),
                        uint64(num("task")),
                        uint32(num("attempt")),
                        word("outputRoot"),
                        int32(vm.parseInt(text("exitCode")))
                    )
                );
        } else {
            revert("a type that the contracts do not know");
        }
        string memory name = vm.parseJsonString(json, key(".name"));
        vm.assertEq(digest, vm.parseJsonBytes32(json, key(".digest")), name);
        uint256 secret = uint256(vm.parseJsonBytes32(json, key(".privateKey")));
        (bytes32 r, bytes32 vs) = compact(secret, digest);
        vm.assertEq(vm.addr(secret), vm.parseJsonAddress(json, key(".signer")), name);
        vm.assertEq(r, vm.parseJsonBytes32(json, key(".r")), name);
        vm.assertEq(vs, vm.parseJsonBytes32(json, key(".vs")), name);
    }

    function lease() private view returns (IStake.Lease memory) {
        return IStake.Lease(
            who("renter"),
            who("provider"),
            uint64(num("lane")),
            uint40(num("start")),
            uint40(num("end")),
            uint96(num("penalty")),
            uint8(num("rule")),
            word("terms")
        );
    }

    function path(uint256 i, string memory rest) private pure returns (string memory) {
        return string.concat(".vectors[", vm.toString(i), "]", rest);
    }

    function key(string memory rest) private view returns (string memory) {
        return string.concat(at, rest);
    }

    function text(string memory field) private view returns (string memory) {
        return vm.parseJsonString(json, string.concat(at, ".fields.", field));
    }

    function num(string memory field) private view returns (uint256) {
        return vm.parseUint(text(field));
    }

    function who(string memory field) private view returns (address) {
        return vm.parseJsonAddress(json, string.concat(at, ".fields.", field));
    }

    function word(string memory field) private view returns (bytes32) {
        return vm.parseJsonBytes32(json, string.concat(at, ".fields.", field));
    }
}
