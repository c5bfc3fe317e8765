// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILedger} from "../../src/interfaces/ILedger.sol";
import {Base} from "../support/Base.sol";

contract SignerTest is Base {
    function until() private view returns (uint40 x) {
        (, x,) = ledger.signers(renter, renterKey);
    }

    function test_RevertWhen_TheKeyIsZero() external {
        vm.expectRevert(ILedger.ZeroAddress.selector);
        setSigner(renter, address(0), 1, START);
    }

    function test_WhenItEndsLater_ItCountsAtOnce() external {
        setSigner(renter, renterKey, 1, START + 10);
        vm.assertEq(until(), START + 10, "first");
        setSigner(renter, renterKey, 1, START + 20);
        vm.assertEq(until(), START + 20, "longer");
        pass(100 days);
        setSigner(renter, renterKey, 1, now_() + 20);
        vm.assertEq(until(), now_() + 20, "again after its end");
    }

    function test_WhenItEndsEarlier_ItStaysGoodForTheDelay() external {
        setSigner(renter, renterKey, 1, START + 30 days);
        setSigner(renter, renterKey, 1, START + 20 days);
        vm.assertEq(until(), START + 20 days, "later than the delay");
        setSigner(renter, renterKey, 1, START + 1);
        vm.assertEq(until(), START + DELAY, "a delay from now");
        pass(DELAY / 2);
        setSigner(renter, renterKey, 0, 0);
        vm.assertEq(until(), START + DELAY, "no second grace");
        pass(DELAY);
        setSigner(renter, renterKey, 0, 0);
        vm.assertEq(until(), START + DELAY, "the past stays");
    }

    function testFuzz_ItNeverEndsSoonerThanPromised(uint40 first, uint40 second, uint32 later) external {
        setSigner(renter, renterKey, 0, first);
        pass(later);
        uint40 before = until();
        setSigner(renter, renterKey, 0, second);
        uint256 promised = before < now_() + DELAY ? before : now_() + DELAY;
        vm.assertGe(until(), promised, "ended too soon");
        vm.assertGe(until(), second, "not as long as asked for");
        vm.assertTrue(until() <= second || until() <= promised, "longer than asked for or promised");
    }

    function test_WhenTheAllowanceChanges_ItKeepsWhatWasBooked() external {
        deposit(renter, 100);
        setSigner(renter, renterKey, 50, START + 10 days);
        ledger.reserveFor(one(signedRes(RENTER_KEY, renter, provider, laneOf(renterKey, 1), 0, 50)));
        setSigner(renter, renterKey, 70, START + 10 days);
        (uint96 allowance,, uint96 booked) = ledger.signers(renter, renterKey);
        vm.assertEq(allowance, 70, "allowance");
        vm.assertEq(booked, 50, "booked");
        ILedger.SignedRes[] memory list = one(signedRes(RENTER_KEY, renter, provider, laneOf(renterKey, 1), 0, 71));
        vm.expectRevert(abi.encodeWithSelector(ILedger.AllowanceExceeded.selector, renter, renterKey, 20, 21));
        ledger.reserveFor(list);
    }

    function test_GivenItWasEverAuthorised_ItIsASignerForEver() external {
        vm.assertTrue(!ledger.isSigner(renter, renterKey), "never");
        setSigner(renter, renterKey, 0, START + 10);
        setSigner(renter, renterKey, 0, 0);
        pass(1000 days);
        setSigner(renter, renterKey, 0, 0);
        vm.assertTrue(ledger.isSigner(renter, renterKey), "for ever");
        vm.assertEq(ledger.signerUntil(renter, renterKey), START + 10, "until");
        vm.assertTrue(!ledger.isSigner(renter2, renterKey), "of that account only");
    }

    function test_TheAccountItselfAlwaysIs() external view {
        vm.assertTrue(ledger.isSigner(stranger, stranger), "signer");
        vm.assertEq(ledger.signerUntil(stranger, stranger), type(uint40).max, "until");
    }
}
